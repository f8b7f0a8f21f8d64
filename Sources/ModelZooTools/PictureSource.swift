import ModelZoo
import ZooImages
import ZooSystem

/// A picture that a command was given: a file, one of a folder's files, or standard input.
public struct PictureSource: Sendable, Hashable {
  /// Its path; `-` for standard input.
  public let path: String
  /// Whether it was given by its own name, not found in a folder.
  public let isNamed: Bool

  /// The pictures that arguments mean: files, all image files of folders, and standard input for `-`.
  ///
  /// - Throws: `ZooError` where a folder can't be read; a file is not looked at yet.
  public static func expand(_ paths: [String]) throws(ZooError) -> [PictureSource] {
    var sources: [PictureSource] = []
    for path in paths {
      if path != "-", isFolder(path) {
        sources += try ImageFolder.images(in: path).map { PictureSource(path: $0, isNamed: false) }
      } else {
        sources.append(PictureSource(path: path, isNamed: true))
      }
    }
    guard !sources.isEmpty else {
      throw ZooError(
        .unsuitable, what: "no pictures", at: paths.joined(separator: ", "),
        "there is no file of \(ImageFormat.read)")
    }
    return sources
  }

  /// The pictures in folders of known formats that this system does not decode, such as HEIC, each with its format's
  /// name. ``expand(_:)`` leaves them out.
  ///
  /// - Throws: `ZooError` where a folder can't be read.
  public static func unread(in paths: [String]) throws(ZooError) -> [(path: String, format: String)] {
    var found: [(path: String, format: String)] = []
    for path in paths where path != "-" && isFolder(path) {
      found += try ImageFolder.unread(in: path).map { ($0.path, $0.format.rawValue) }
    }
    return found
  }

  /// Decodes it. Standard input is read to its end, and is empty the second time.
  ///
  /// - Parameter upright: whether to turn the picture as its EXIF orientation says.
  /// - Throws: `ZooError` where it can't be read or decoded.
  public func picture(upright: Bool = false) throws(ZooError) -> Picture {
    guard path == "-" else { return try Picture(path: path, upright: upright) }
    return try Picture(encoded: try Self.standardInput(), name: "standard input", upright: upright)
  }

  /// All bytes of standard input, one more than an image file may have at most.
  private static func standardInput() throws(ZooError) -> [UInt8] {
    let limit = ReadingLimits.current.image
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while bytes.count <= limit {
      let count = part.withUnsafeMutableBytes { read(STDIN_FILENO, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { throw ZooError.file(.read, "standard input") }
      if count == 0 { break }
      bytes += part[..<count]
    }
    return bytes
  }
}
