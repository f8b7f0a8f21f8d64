import ZooConversion
import ZooReports
import ZooSystem
import ZooTraining

// Pages of trainings and evaluations have these in common.

extension TaskPage {
  /// Rules beside those of every page.
  static let style = """
    img.row{display:block;width:3.5rem;height:3.5rem;object-fit:contain;background:var(--hover);border-radius:.3rem}
    td.long{overflow-wrap:anywhere;min-width:12rem}
    .seen .sheet{grid-template-columns:repeat(auto-fill,minmax(6.1rem,1fr))}
    .wrong .sheet{grid-template-columns:repeat(auto-fill,minmax(8.4rem,1fr))}
    .pairs{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,15rem),1fr));gap:.9rem}
    .pairs figure{margin:0;min-width:0}
    .pairs div{display:grid;grid-template-columns:1fr 1fr;gap:.3rem}
    .pairs img{width:100%;aspect-ratio:1;object-fit:contain;background:var(--hover);border-radius:.35rem;display:block}
    .pairs figcaption{font-size:.8rem;line-height:1.35;margin:.25rem 0 0;overflow-wrap:anywhere;color:var(--ink)}
    .pixels img{image-rendering:pixelated}
    pre{white-space:pre-wrap;overflow-wrap:anywhere}
    """

  /// The headlines of all tasks.
  static func headlines(of pages: [TaskPage]) -> HTML {
    if pages.count == 1 { return pages[0].headline }
    return pages.map { page -> HTML in "<h3>\(page.name)</h3>\(page.headline)" }.joined()
  }

  /// The parts of a single task as sections, or a section for each of several tasks.
  static func sections(of pages: [TaskPage]) throws(ZooError) -> [Page.Section] {
    var sections: [Page.Section] = []
    for (place, page) in pages.enumerated() {
      let parts = try page.parts()
      if pages.count == 1 {
        sections += parts.map { Page.Section(id: $0.id, title: $0.title, body: $0.body) }
      } else {
        let body = parts.map { part -> HTML in
          "<h3 id=\"\(part.id)-\(place + 1)\">\(part.title)</h3>\(part.body)"
        }.joined()
        sections.append(.init(id: "task-\(place + 1)", title: "Task: \(page.name)", body: body))
      }
    }
    return sections
  }

  /// A picture's name where room is short: the file and its folder.
  static func brief(_ name: String) -> String {
    let parts = name.split(separator: "/")
    return parts.count > 2 ? "…/" + parts.suffix(2).joined(separator: "/") : name
  }

  /// Warnings, a line each.
  static func notes(_ warnings: [String]) -> HTML {
    warnings.map { warning -> HTML in "<p>\(HTML.badge("note", .doubt)) \(warning)</p>" }.joined()
  }

  /// The pictures that could not be read, and why.
  static func unreadable(_ pictures: [TrainingReport.Data.Unreadable]) -> HTML {
    guard !pictures.isEmpty else { return "" }
    var table = DataTable(
      [.init("Picture that could not be read"), .init("Why", isLong: true)], hasSearch: pictures.count > 12)
    for picture in pictures { table.add([.init("\(picture.picture)"), .init("\(picture.reason)")]) }
    return "<h3>Left out</h3>\(table.html)"
  }

  /// How pictures reach the network's size.
  static func pixels(resampling: String, crop: String?, isUpright: Bool, of material: PictureMaterial) -> HTML
  {
    let loader = material.loader
    let border =
      switch crop {
      case nil: "stretched"
      case "aspect": "the longer side cut off"
      case let crop?: "the border cut off (\(crop))"
      }
    return """
      \(loader.height)×\(loader.width) pixels, \(border), \(resampling)\(loader.isGrey ? ", grey" : "")\
      \(isUpright ? ", turned as the EXIF orientation says" : "")
      """
  }

  /// What repeats the run.
  static func command(_ arguments: [String]) -> HTML {
    guard !arguments.isEmpty else { return "" }
    return "<pre>\(arguments.map(ModelFile.shellWord).joined(separator: " "))</pre>"
  }

  static func hash(_ hash: String) -> HTML { "<span class=\"mono\">\(hash)</span>" }
}
