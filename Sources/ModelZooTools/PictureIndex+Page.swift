import ZooReports
import ZooSystem
import ZooTraining

extension PictureIndex {
  /// Writes a picture and those like it as a web page in one file, as `zoo similar --html` does, whole or not at all.
  ///
  /// - Parameters:
  ///   - matches: what was found.
  ///   - picture: the path of the picture that they are like.
  ///   - isUpright: whether pictures are turned as their EXIF orientation says.
  ///   - path: the page's file.
  ///   - overwrite: whether an existing file is replaced.
  /// - Throws: `ZooError` where the file can't be made.
  public static func writePage(
    of matches: [Match], like picture: String, isUpright: Bool = true, to path: String,
    overwrite: Bool = false
  ) throws(ZooError) {
    let thumbnails = try Thumbnails.make(of: [picture] + matches.map(\.path), within: 240, upright: isUpright)
    let figures = zip(
      [(picture, "looked for")] + matches.map { ($0.path, decimal($0.similarity, 4)) }, thumbnails
    )
    .map { content, uri -> (uri: String, caption: HTML, description: String) in
      (uri ?? Thumbnails.none, "<b>\(content.1)</b><br>\(content.0)", content.0)
    }
    let page = Page(
      title: "Pictures like \(picture.split(separator: "/").last.map(String.init) ?? picture)",
      subtitle: "the \(matches.count) most similar, by the cosine of their features",
      sections: [
        .init(id: "picture", title: "Picture", body: .sheet(Array(figures.prefix(1)))),
        .init(id: "similar", title: "Most similar", body: .sheet(Array(figures.dropFirst()))),
      ])
    try page.write(to: path, overwrite: overwrite)
  }
}
