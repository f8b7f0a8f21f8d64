import ZooGraph
import ZooSystem
import ZooTensor

extension ClassLabel {
  /// The largest label file that is read.
  private static let byteLimit = 16 << 20

  /// Reads labels, one a line; a line `n02123045 tabby cat` or `3 metal` begins with the class's
  /// identifier or number.
  ///
  /// - Throws: `ZooError`; `ZooError` where the file is no text or has an empty line inside.
  package static func read(fromFile path: String) throws -> [ClassLabel] {
    let bytes = ByteSlice(try MappedFile(path: path))
    guard bytes.count <= byteLimit,
      let text = bytes.withUnsafeBytes({ String(validating: $0, as: UTF8.self) })
    else {
      throw ZooError(.malformed, what: "malformed labels", at: path, "expected UTF-8 text of at most 16 MiB")
    }
    var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .map { $0.trimmed() }
    while lines.last?.isEmpty == true { lines.removeLast() }
    guard !lines.isEmpty else {
      throw ZooError(.malformed, what: "malformed labels", at: path, "it has no labels")
    }
    return try lines.enumerated().map { index, line throws(ZooError) in
      guard !line.isEmpty else {
        throw ZooError(.malformed, what: "malformed labels", at: path, "line \(index + 1) is empty")
      }
      let parts = line.split(separator: " ", maxSplits: 1)
      if parts.count == 2, parts[0] == "\(index)" || isWordNetID(parts[0]) {
        return ClassLabel(id: String(parts[0]), name: parts[1].trimmed())
      }
      return ClassLabel(id: "", name: line)
    }
  }

  /// The labels in `labels.txt` beside the weight file at `path`, where Teachable Machine puts them, if they are as many
  /// as the network tells classes apart.
  static func beside(_ path: String, for graph: Graph) -> (path: String, labels: [ClassLabel])? {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let file = folder + "labels.txt"
    guard isFile(file), let labels = try? read(fromFile: file), graph.takes(labelCount: labels.count) else {
      return nil
    }
    return (file, labels)
  }

  /// `n` and eight digits.
  private static func isWordNetID(_ text: Substring) -> Bool {
    text.count == 9 && text.first == "n" && text.dropFirst().allSatisfy(\.isWholeNumber)
  }
}

extension StringProtocol {
  fileprivate func trimmed() -> String {
    String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
  }
}
