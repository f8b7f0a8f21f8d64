import ZooGraph
import ZooSystem
import ZooTensor

// A tensor's entry in the header. From version 3 on, what not every tensor has stands in a map at its end.

extension TensorRecord {
  /// Whether older versions of the format can't say this.
  var needsVersion3: Bool { !planes.isEmpty || form != .values(.float32) && form != .values(.float16) }
}

extension TensorRecord {
  /// As versions before 3 have it.
  var withoutRootMeanSquare: TensorRecord {
    var record = self
    record.storageError = storageError.map {
      StorageError(largestError: $0.largestError, largestValue: $0.largestValue)
    }
    return record
  }
}

extension CBORWriter {
  mutating func tensor(_ tensor: TensorRecord, node: Int, version: UInt32) {
    let details = version > 2 ? tensor.details : []
    let error = version > 2 ? nil : tensor.storageError
    array(count: details.isEmpty && error == nil ? 7 : 8)
    unsigned(node)
    unsigned(tensor.slot.role.number)
    text(tensor.form.name)
    array(tensor.shape.dimensions) { $0.unsigned($1) }
    unsigned(tensor.offset)
    unsigned(tensor.byteCount)
    byteString(tensor.checksum.bytes)
    if !details.isEmpty { map(details) }
    if let error {
      array(count: 2)
      float(error.largestError)
      float(error.largestValue)
    }
  }
}

extension TensorRecord {
  fileprivate var details: [(key: String, write: (inout CBORWriter) -> Void)] {
    var entries: [(key: String, write: (inout CBORWriter) -> Void)] = []
    if let error = storageError {
      entries.append(
        (
          "error",
          {
            $0.array(count: 3)
            $0.float(error.largestError)
            $0.float(error.largestValue)
            $0.float(error.rootMeanSquare ?? error.largestError)
          }
        ))
    }
    if !planes.isEmpty { entries.append(("planes", { $0.array(planes) { $0.unsigned($1.rawValue) } })) }
    if let plainChecksum { entries.append(("plain", { $0.byteString(plainChecksum.bytes) })) }
    if case .codes(let codes) = form, let group = codes.group {
      entries.append(("group", { $0.unsigned(group) }))
    }
    return entries
  }
}

extension HeaderFields {
  struct RawTensor {
    let node: Int
    let role: WeightRole
    let kind: Kind
    let extents: [Int]
    let offset: Int
    let byteCount: Int
    let checksum: TensorChecksum
    let details: Details

    enum Kind: Equatable {
      case values(ElementType)
      case codes(QuantizedForm.Kind)
    }

    /// What not every tensor has.
    struct Details {
      var error: StorageError?
      var planes: [PlaneCoding] = []
      var plain: TensorChecksum?
      var group: Int?
    }
  }

  static func tensor(_ reader: inout CBORReader, version: UInt32) throws(Failure) -> RawTensor {
    let count = try reader.arrayHead(7...8)
    let node = try reader.int()
    let role = try reader.role()
    let kind = try kind(&reader, version: version)
    let extents = try reader.array(limit: 16) { (reader) throws(Failure) in try reader.int() }
    let offset = try reader.int()
    let byteCount = try reader.int()
    let checksum = try checksum(&reader, version: version)
    var details = RawTensor.Details()
    if count == 8 {
      if version > 2 {
        details = try Self.details(&reader, version: version)
      } else {
        details.error = try storageError(&reader, count: 2)
      }
    }
    return RawTensor(
      node: node, role: role, kind: kind, extents: extents, offset: offset, byteCount: byteCount,
      checksum: checksum, details: details)
  }

  private static func kind(
    _ reader: inout CBORReader, version: UInt32
  ) throws(Failure) -> RawTensor.Kind {
    let start = reader.position
    let name = try reader.text()
    let types: [ElementType] = version > 2 ? [.float32, .float16, .bfloat16] : [.float32, .float16]
    if let type = types.first(where: { $0.rawValue == name }) { return .values(type) }
    if version > 2, let kind = QuantizedForm.Kind(rawValue: name) { return .codes(kind) }
    let known = types.map(\.rawValue) + (version > 2 ? QuantizedForm.Kind.allCases.map(\.rawValue) : [])
    throw Failure(
      position: start, code: .unsupported,
      why:
        "element type '\(name)' is unknown; \(known.dropLast().joined(separator: ", ")) and \(known.last ?? "") are known"
    )
  }

  private static func checksum(
    _ reader: inout CBORReader, version: UInt32
  ) throws(Failure) -> TensorChecksum {
    let digest = try reader.byteString(count: TensorChecksum.byteCount(version: version))
    guard let checksum = TensorChecksum(digest, version: version) else { throw reader.failure("no checksum") }
    return checksum
  }

  private static func storageError(
    _ reader: inout CBORReader, count: Int
  ) throws(Failure) -> StorageError {
    _ = try reader.arrayHead(count...count)
    let error = try reader.float()
    let value = try reader.float()
    let rootMeanSquare = count > 2 ? try reader.float() : nil
    guard error >= 0, value >= 0, rootMeanSquare.map({ $0 >= 0 }) ?? true else {
      throw reader.failure("a storage error below 0")
    }
    return StorageError(largestError: error, largestValue: value, rootMeanSquare: rootMeanSquare)
  }

  private static func details(
    _ reader: inout CBORReader, version: UInt32
  ) throws(Failure) -> RawTensor.Details {
    var details = RawTensor.Details()
    var isEmpty = true
    try reader.map { (reader, key) throws(Failure) in
      isEmpty = false
      switch key {
      case "error": details.error = try storageError(&reader, count: 3)
      case "planes":
        details.planes = try reader.array(limit: 4) { (reader) throws(Failure) in
          guard let coding = PlaneCoding(rawValue: try reader.int()) else {
            throw reader.failure("an unknown coding of a plane")
          }
          return coding
        }
        guard !details.planes.isEmpty else { throw reader.failure("an empty list of planes") }
      case "plain": details.plain = try checksum(&reader, version: version)
      case "group": details.group = try reader.int()
      default: throw reader.unknown(key)
      }
    }
    guard !isEmpty else { throw reader.failure("an empty map of details") }
    return details
  }
}
