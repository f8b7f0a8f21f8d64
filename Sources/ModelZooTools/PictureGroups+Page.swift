import ZooReports
import ZooSystem
import ZooTraining

extension PictureGroups {
  /// The most pictures that a page has small versions of.
  private static let pagePictures = 2400

  /// Writes the groups as a web page in one file, as `zoo cluster -o` does, whole or not at all: a map of all pictures,
  /// and a sheet of small pictures for each group. Of very many pictures each group shows the most typical.
  ///
  /// - Parameters:
  ///   - path: the page's file.
  ///   - title: what it is about, for example the folder's name.
  ///   - isUpright: whether pictures are turned as their EXIF orientation says.
  ///   - overwrite: whether an existing file is replaced.
  ///   - progress: is told how many pictures are done.
  /// - Throws: `ZooError` where the file can't be made.
  public func writePage(
    to path: String, title: String, isUpright: Bool = true, overwrite: Bool = false,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) {
    try page(title: title, isUpright: isUpright, progress: progress).write(to: path, overwrite: overwrite)
  }

  package func page(
    title: String, isUpright: Bool, progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws(ZooError) -> Page {
    let limit = paths.count <= Self.pagePictures ? Int.max : max(1, Self.pagePictures / groups.count)
    let shown = groups.flatMap { $0.places.prefix(limit) }
    let uris = try Thumbnails.make(
      of: shown.map { paths[$0] }, within: 112, upright: isUpright, progress: progress)
    let thumbnails = Dictionary(uniqueKeysWithValues: zip(shown, uris))
    var sections = [
      Page.Section(id: "summary", title: "Summary", body: summary),
      Page.Section(id: "map", title: "Map", body: maps),
    ]
    for (index, group) in groups.enumerated() {
      let figures = group.places.prefix(limit).map { place -> HTML in
        """
        <figure><img id="p\(place)" src="\((thumbnails[place] ?? nil) ?? Thumbnails.none)" alt="\(paths[place])" \
        loading="lazy"><figcaption>\(paths[place])</figcaption></figure>
        """
      }
      let rest = group.places.count - figures.count
      let note: HTML = rest > 0 ? "<p class=\"faint\">and \(rest) more</p>" : ""
      sections.append(
        .init(
          id: "group-\(index + 1)", title: "Group \(index + 1): \(group.text)",
          body: "<div class=\"sheet\">\(figures.joined())</div>\(note)"))
    }
    var page = Page(
      title: "Groups of \(title)", subtitle: "\(paths.count) pictures in \(groups.count) groups",
      sections: sections)
    page.hasContents = groups.count <= 40
    page.style = Self.style
    page.scripts = [Self.script]
    return page
  }

  private var summary: HTML {
    var tiles = [(grouped(paths.count), "pictures"), (grouped(groups.count), "groups")]
    if let silhouette { tiles.append((decimal(silhouette, 3), "silhouette, from −1 to 1")) }
    if let agreement {
      tiles.append((decimal(agreement, 3), "agreement with the folders (adjusted Rand index)"))
    }
    guard trials.count > 1 else { return .tiles(tiles) }
    let points = trials.map { (x: Double($0.groups), y: $0.silhouette) }
    return .tiles(tiles)
      + Chart.lines(
        "How far apart the groups are, by their number", x: "groups", y: "silhouette",
        [.init("silhouette", points)])
  }

  private var maps: HTML {
    func points(_ numbers: [Int]) -> [Chart.Point] {
      paths.indices.map {
        Chart.Point(x: map[$0].x, y: map[$0].y, group: numbers[$0], label: paths[$0], key: "p\($0)")
      }
    }
    let names = groups.indices.map { "group \($0 + 1)" }
    let text: HTML = """
      <p>Pictures that lie close to each other are similar along the two directions in which these pictures differ most. \
      Point at one, or tap it, to see it.</p>
      """
    let byGroup = Chart.scatter("By group", points(assignment), groups: names)
    guard !folders.isEmpty else { return text + byGroup }
    return text
      + "<div class=\"charts\"><div>\(byGroup)</div><div>\(Chart.scatter("By folder", points(folderOf), groups: folders))</div></div>"
  }

  private static let style = """
    .peek{position:fixed;z-index:9;margin:0;padding:.4rem;max-width:9rem;background:var(--card);pointer-events:none;
    border:1px solid var(--line);border-radius:.4rem;box-shadow:0 2px 10px #0004}.peek[hidden]{display:none}
    .peek img{display:block;max-width:100%;border-radius:.25rem}.peek figcaption{font-size:.75rem;overflow-wrap:anywhere;
    margin:.2rem 0 0}svg.chart g[data-key]{cursor:pointer}
    """

  /// Shows the small picture of the point that is pointed at, tapped or reached with the keyboard.
  private static let script = """
    (() => {
      const peek = document.createElement('figure'), image = document.createElement('img'),
        caption = document.createElement('figcaption');
      peek.className = 'peek'; peek.hidden = true; image.alt = ''; peek.append(image, caption); document.body.append(peek);
      const show = event => {
        const point = event.target.closest && event.target.closest('g[data-key]');
        if (!point) { peek.hidden = true; return; }
        const picture = document.getElementById(point.dataset.key), box = point.getBoundingClientRect();
        image.hidden = !picture; if (picture) image.src = picture.src;
        caption.textContent = point.querySelector('title').textContent; peek.hidden = false;
        peek.style.left = Math.max(4, Math.min(box.right + 8, innerWidth - peek.offsetWidth - 4)) + 'px';
        peek.style.top = Math.max(4, Math.min(box.top + 8, innerHeight - peek.offsetHeight - 4)) + 'px';
      };
      for (const name of ['pointerover', 'pointerdown', 'focusin']) document.addEventListener(name, show);
      document.addEventListener('scroll', () => { peek.hidden = true; }, true);
    })();
    """
}

extension PictureGroups {
  /// The silhouette of the groups; nil for a single group.
  public var silhouette: Double? { trials.first { $0.groups == groups.count }?.silhouette }
}

extension PictureGroups.Group {
  /// Its size, and the folder that most of it is from.
  package var text: String {
    var text = "\(grouped(pictures.count)) \(pictures.count == 1 ? "picture" : "pictures")"
    if let folder, let share { text += ", \(decimal(share * 100, 0)) % from '\(folder.onOneLine)'" }
    return text
  }
}
