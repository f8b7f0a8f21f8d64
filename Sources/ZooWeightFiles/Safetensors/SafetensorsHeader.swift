import ZooSystem
import ZooTensor

/// The header of a safetensors file, checked: which tensors there are and where their data lies.
///
/// The file is the header's length (8 bytes, little-endian), a JSON object of that length, and the
/// tensors' data without gaps (`README.md` of github.com/huggingface/safetensors).
struct SafetensorsHeader {
  /// One tensor, by its place in the whole file.
  struct Tensor {
    let name: String
    let shape: Shape
    let elementType: ElementType
    let range: Range<Int>
  }

  /// In the order of the data.
  let tensors: [Tensor]
  /// The texts under `__metadata__`.
  let metadata: [String: String]

  /// The size of the length in front of the header.
  static let prefixByteCount = 8

  /// The format's names of the element types that are read.
  static let elementTypes: [String: ElementType] = [
    "F16": .float16, "BF16": .bfloat16, "F32": .float32, "F64": .float64, "I8": .int8, "I16": .int16,
    "I32": .int32, "I64": .int64, "U8": .uint8, "U16": .uint16, "U32": .uint32, "U64": .uint64,
    "BOOL": .bool,
  ]

  /// Reads and checks the header of the file that `file` is.
  init(of file: ByteSlice, location: String) throws(ZooError) {
    let text = try Self.text(of: file, location: location)
    let dataStart = Self.prefixByteCount + text.count
    let document = try JSONValue(parsing: text, location: "\(location), header")
    guard let members = document.object else {
      throw ZooError(.malformed, "safetensors file", at: location, "its header is not a JSON object")
    }
    metadata = try Self.metadata(in: members["__metadata__"], location: location)
    let names = members.keys.filter { $0 != "__metadata__" }
    let limit = ReadingLimits.current.tensors
    guard names.count <= limit else {
      throw ZooError(
        .unsupported, "safetensors file", at: location, "more than \(limit) tensors",
        remedy: ReadingLimits.remedy("tensors"))
    }
    var tensors: [Tensor] = []
    tensors.reserveCapacity(names.count)
    // In the order of names, so that of several faults the same one is reported each time.
    for name in names.sorted() {
      let place = "\(location), \(name)"
      tensors.append(
        try Self.tensor(name, members[name] ?? .null, from: dataStart, to: file.count, location: place))
    }
    tensors.sort { a, b in
      (a.range.lowerBound, a.range.upperBound, a.name) < (b.range.lowerBound, b.range.upperBound, b.name)
    }
    try Self.checkContiguity(tensors, from: dataStart, to: file.count, location: location)
    self.tensors = tensors
  }

  private static func text(of file: ByteSlice, location: String) throws(ZooError) -> [UInt8] {
    try file.withUnsafeBytes { bytes throws(ZooError) in
      func malformed(_ why: String) -> ZooError {
        ZooError(.malformed, "safetensors file", at: location, why)
      }
      guard bytes.count > prefixByteCount else { throw malformed("it ends after \(bytes.count) bytes") }
      let length = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
      let limit = ReadingLimits.current.text
      guard length <= UInt64(limit) else {
        throw ZooError(
          .unsupported, "safetensors file", at: location,
          "its header would have \(length) bytes; at most \(limit) are read",
          remedy: ReadingLimits.remedy("text"))
      }
      guard length <= UInt64(bytes.count - prefixByteCount) else {
        throw malformed(
          "its header of \(length) bytes lies beyond the end of the file, which has \(bytes.count) bytes")
      }
      return Array(bytes[prefixByteCount..<prefixByteCount + Int(length)])
    }
  }

  private static func metadata(
    in value: JSONValue?, location: String
  ) throws(ZooError) -> [String: String] {
    guard let value else { return [:] }
    guard let texts = value.object?.compactMapValues(\.string), texts.count == value.object?.count else {
      throw ZooError(
        .malformed, "safetensors file", at: "\(location), __metadata__", "it is not a map of texts to texts")
    }
    return texts
  }

  private static func tensor(
    _ name: String, _ value: JSONValue, from dataStart: Int, to end: Int, location: String
  ) throws(ZooError) -> Tensor {
    func malformed(_ why: String) -> ZooError {
      ZooError(.malformed, "safetensors file", at: location, why)
    }
    guard let typeName = value["dtype"]?.string, let extents = value["shape"]?.array,
      let offsets = value["data_offsets"]?.array
    else { throw malformed("its description lacks dtype, shape or data_offsets") }
    guard let elementType = elementTypes[typeName] else {
      throw ZooError(
        .unsupported, "safetensors file", at: location, "its elements are of type '\(typeName)'")
    }
    let dimensions = extents.compactMap(\.integer)
    guard dimensions.count == extents.count, dimensions.allSatisfy({ $0 >= 0 }) else {
      throw malformed("its shape is not a list of counts")
    }
    guard let shape = Shape(checking: dimensions) else {
      throw malformed(
        "its shape \(dimensions.map(String.init).joined(separator: "x")) is larger than any tensor may be")
    }
    let numbers = offsets.compactMap(\.integer)
    guard offsets.count == 2, numbers.count == 2, let first = numbers.first, let last = numbers.last,
      first >= 0, first <= last
    else { throw malformed("its data_offsets are not a start and an end") }
    guard last <= end - dataStart else {
      throw malformed("its data ends at \(last), the file's at \(end - dataStart)")
    }
    guard last - first == shape.elementCount * elementType.byteCount else {
      throw malformed(
        "shape \(shape) of \(typeName) needs \(shape.elementCount * elementType.byteCount) bytes, "
          + "its data_offsets have \(last - first)")
    }
    return Tensor(
      name: name, shape: shape, elementType: elementType, range: dataStart + first..<dataStart + last)
  }

  /// Every byte behind the header belongs to exactly one tensor; `tensors` are in the order of the data.
  private static func checkContiguity(
    _ tensors: [Tensor], from dataStart: Int, to end: Int, location: String
  ) throws(ZooError) {
    var expected = dataStart
    for tensor in tensors {
      guard tensor.range.lowerBound == expected else {
        let why = tensor.range.lowerBound < expected ? "overlaps the one" : "leaves a gap after the one"
        throw ZooError(
          .malformed, "safetensors file", at: "\(location), \(tensor.name)", "its data \(why) before it")
      }
      expected = tensor.range.upperBound
    }
    guard expected == end else {
      throw ZooError(
        .malformed, "safetensors file", at: location, "\(end - expected) bytes at its end belong to no tensor"
      )
    }
  }
}
