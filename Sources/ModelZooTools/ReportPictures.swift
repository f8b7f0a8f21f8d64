import ZooData
import ZooImages
import ZooReports
import ZooSystem
import ZooTraining

/// Small pictures for a page. Pictures that can't be read any more are left out.
struct ReportPictures {
  let material: PictureMaterial

  /// The longer side of a picture with a caption.
  static let side = 160
  /// The longer side of a picture in a table's row.
  static let rowSide = 72
  /// What the longest side of a network's input is brought to.
  private static let networkSide = 256
  private static let batch = 32

  /// The whole pictures in proportion, as addresses of `img` elements by their paths.
  func thumbnails(of paths: [String], within side: Int = side) throws(ZooError) -> [String: String] {
    var uris: [String: String] = [:]
    try load(paths) { _, _ in
      PictureLoader.Request(views: [], fingerprint: false, thumbnail: side)
    } each: { index, picture throws(ZooError) in
      uris[paths[index]] = try picture.thumbnail?.dataURI(quality: 76)
    }
    return uris
  }

  /// The pictures at the network's size, for each some of its views, as addresses of `img` elements.
  func networkViews(of paths: [String], numbers: Range<Int>) throws(ZooError) -> [[String]] {
    var uris = [[String]](repeating: [], count: paths.count)
    try load(paths) { [material] _, hash in
      PictureLoader.Request(
        views: numbers.map { material.views.view($0, of: hash) }, fingerprint: false)
    } each: { index, picture throws(ZooError) in
      for view in picture.views {
        uris[index].append(try view.dataURI(within: Self.networkSide, quality: 80))
      }
    }
    return uris
  }

  private func load(
    _ paths: [String],
    request: @escaping @Sendable (Int, XXH3Hasher.Digest) -> PictureLoader.Request,
    each: (Int, PictureLoader.Loaded) throws(ZooError) -> Void
  ) throws(ZooError) {
    for first in stride(from: 0, to: paths.count, by: Self.batch) {
      let some = Array(paths[first..<min(first + Self.batch, paths.count)])
      let loaded = try material.loader.load(some) { index, hash throws(ZooError) in request(index, hash) }
      for (index, result) in loaded.enumerated() {
        if case .success(let picture) = result { try each(first + index, picture) }
      }
    }
  }
}
