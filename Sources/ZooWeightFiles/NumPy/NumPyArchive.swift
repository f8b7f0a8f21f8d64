import ZooSystem
import ZooTensor

/// The arrays of an `.npz`, or a single `.npy` as an archive of one.
package final class NumPyArchive: WeightFile {
  package let path: String
  package let layout: WeightFileLayout
  package let writer: String? = nil
  package let tensors: [TensorEntry]
  package let ignored: [(name: String, reason: String)]
  package let modelConfiguration: JSONValue? = nil

  private enum Source: Sendable {
    case array(ByteSlice)
    case archive(ZipArchive)
  }
  private let source: Source
  private let arrays: [String: (header: NumPyHeader, member: ZipMember?)]

  /// Opens the `.npz` or `.npy` at `path`, recognised by its content.
  package convenience init(path: String) throws(ZooError) {
    let bytes = ByteSlice(try WeightFiles.map(path))
    switch try FileFormat.recognise(bytes: bytes, location: path) {
    case .npz: try self.init(path: path, archive: bytes)
    case .npy: try self.init(path: path, array: bytes)
    case let other:
      let found = bytes.count == 0 ? "it is empty" : "its content is of another kind (\(other.rawValue))"
      throw ZooError(.malformed, "NumPy file", at: path, "expected .npy or .npz, but \(found)")
    }
  }

  /// Opens the ZIP archive that `bytes` are.
  init(path: String, archive bytes: ByteSlice) throws(ZooError) {
    let archive = try ZipArchive(bytes: bytes, location: path)
    var arrays: [String: (header: NumPyHeader, member: ZipMember?)] = [:]
    var names: [String] = []
    var ignored: [(name: String, reason: String)] = []
    for member in archive.members {
      guard member.name.hasSuffix(".npy") else {
        if !member.name.hasSuffix("/") { ignored.append((member.name, "not an .npy array")) }
        continue
      }
      let name = String(member.name.dropLast(4))
      let start = try Self.start(of: member, in: archive)
      if let type = NumPyHeader.typeOfText(start) {
        ignored.append((name, "an array of texts (\(type))"))
        continue
      }
      arrays[name] = (try Self.header(start, of: member, at: "\(path), \(member.name)"), member)
      names.append(name)
    }
    self.path = path
    self.source = .archive(archive)
    self.arrays = arrays
    let positions = names.compactMap(Self.position)
    let isPositional =
      !names.isEmpty && positions.count == names.count && Set(positions) == Set(0..<names.count)
    layout = isPositional ? .positionalArrays : .namedArrays
    let order = isPositional ? (0..<names.count).map { "arr_\($0)" } : names
    let entries = order.compactMap { name in
      arrays[name].map { Self.entry(name, $0.header, isNamed: !isPositional) }
    }
    tensors = entries.filter { !TensorNames.isCounter($0) }
    self.ignored = ignored + entries.filter(TensorNames.isCounter).map { ($0.name, TrainingState.counter) }
  }

  /// Opens the `.npy` array that `bytes` are.
  init(path: String, array bytes: ByteSlice) throws(ZooError) {
    let start = bytes.withUnsafeBytes { Array($0.prefix(NumPyHeader.byteLimit)) }
    let header = try NumPyHeader(parsing: start, of: bytes.count, at: path)
    try Self.checkSize(header, of: bytes.count, at: path)
    self.path = path
    self.source = .array(bytes)
    self.arrays = ["arr_0": (header, nil)]
    self.ignored = []
    layout = .positionalArrays
    tensors = [Self.entry("arr_0", header, isNamed: false)]
  }

  package func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor {
    guard let tensor = try array(named: entry.name) else {
      throw ZooError(.malformed, "NumPy archive", at: "\(path), \(entry.name)", "no such array")
    }
    return tensor
  }

  /// The array `name`, without `.npy`; nil where there is none. The array of a single `.npy` is `arr_0`.
  package func array(named name: String) throws(ZooError) -> StoredTensor? {
    guard let (header, member) = arrays[name] else { return nil }
    let contents: ByteSlice
    switch source {
    case .array(let bytes): contents = bytes
    case .archive(let archive):
      guard let member else { return nil }
      contents = try archive.bytes(of: member, checked: true)
    }
    guard let data = contents.part(at: header.byteCount, count: header.dataByteCount),
      let tensor = StoredTensor(
        shape: header.shape, elementType: header.elementType, bytes: Self.rowMajor(data, header))
    else {
      throw ZooError(
        .malformed, "NumPy array", at: "\(path), \(name)", "the size of its data does not match its shape")
    }
    return tensor
  }

  // MARK: Listing

  /// The bytes of a member's header, and perhaps more.
  private static func start(of member: ZipMember, in archive: ZipArchive) throws(ZooError) -> [UInt8] {
    // Nearly all headers are 128 bytes.
    let start = try archive.prefix(of: member, count: 512)
    let count = try NumPyHeader.byteCount(
      startingWith: start, of: member.size, at: "\(archive.location), \(member.name)")
    return count > start.count ? try archive.prefix(of: member, count: count) : start
  }

  private static func header(
    _ start: [UInt8], of member: ZipMember, at location: String
  ) throws(ZooError) -> NumPyHeader {
    let header = try NumPyHeader(parsing: start, of: member.size, at: location)
    try checkSize(header, of: member.size, at: location)
    return header
  }

  private static func checkSize(_ header: NumPyHeader, of count: Int, at location: String)
    throws(ZooError)
  {
    guard count - header.byteCount == header.dataByteCount else {
      throw ZooError(
        .malformed, "NumPy array", at: location,
        "shape \(header.shape) of \(header.elementType.rawValue) needs \(header.dataByteCount) bytes, "
          + "but there are \(count - header.byteCount)")
    }
  }

  private static func entry(_ name: String, _ header: NumPyHeader, isNamed: Bool) -> TensorEntry {
    let parts = isNamed ? TensorNames.parts(ofArray: name) : nil
    return TensorEntry(
      name: name, shape: header.shape, elementType: header.elementType, layer: parts?.layer,
      variable: parts?.layer == nil ? nil : parts?.variable)
  }

  /// `arr_7` is number 7 of the arrays that had no names.
  private static func position(_ name: String) -> Int? {
    guard name.hasPrefix("arr_"), let number = Int(name.dropFirst(4)), name == "arr_\(number)" else {
      return nil
    }
    return number
  }

  // MARK: Bytes in order

  /// `data` as row-major little-endian bytes; `data` itself where it is that.
  private static func rowMajor(_ data: ByteSlice, _ header: NumPyHeader) -> ByteSlice {
    let isTransposed = header.isFortranOrder && header.shape.rank > 1
    guard isTransposed || header.isBigEndian else { return data }
    let size = header.elementType.byteCount
    let ordered = HeapBytes(count: data.count) { target in
      data.withUnsafeBytes { source in
        if isTransposed {
          StridedView(columnMajor: header.shape).copy(source, into: target, size: size)
        } else {
          target.copyMemory(from: source)
        }
      }
      if header.isBigEndian { swapBytes(of: target, size: size) }
    }
    return ByteSlice(ordered)
  }
}
