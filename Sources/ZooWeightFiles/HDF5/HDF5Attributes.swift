import CHDF5

// Attributes hold what Keras writes about the weights: names, configurations, versions.
extension HDF5File {
  /// Far more names than any network has.
  private static let countLimit = 1 << 20
  /// Far more text than any configuration has.
  private static let byteLimit = 64 << 20

  /// The strings of attribute `name` of the group or dataset at `path`, nil where there is none.
  /// A scalar is one string, and an array without elements, of whatever type, is no strings: that is
  /// how an empty list of names comes out of NumPy.
  func strings(_ name: String, of path: String) throws(WeightFileError) -> [String]? {
    try checkLinks(path)
    let object = try opened(H5Oopen(id, path.isEmpty ? "/" : path, 0), path)
    return try strings(name, object: object, path)
  }

  /// The one string of attribute `name`, nil where there is none.
  func string(_ name: String, of path: String) throws(WeightFileError) -> String? {
    guard let values = try strings(name, of: path) else { return nil }
    guard let value = values.first, values.count == 1 else {
      throw malformed(path, "attribute \(name) holds \(values.count) strings where one was expected")
    }
    return value
  }

  /// The names in attribute `name`, or in its parts `name0`, `name1`, … into which Keras splits what
  /// is too long for one attribute; nil where there is neither.
  func names(_ name: String, of path: String) throws(WeightFileError) -> [String]? {
    try checkLinks(path)
    let object = try opened(H5Oopen(id, path.isEmpty ? "/" : path, 0), path)
    if let whole = try strings(name, object: object, path) { return whole }
    var all: [String]?
    var part = 0
    while let some = try strings("\(name)\(part)", object: object, path) {
      all = (all ?? []) + some
      part += 1
      guard all?.count ?? 0 <= Self.countLimit else { throw tooMany(name, path) }
    }
    return all
  }

  /// Whether the group or dataset at `path` has an attribute `name` of any type.
  func hasAttribute(_ name: String, of path: String) throws(WeightFileError) -> Bool {
    try checkLinks(path)
    let object = try opened(H5Oopen(id, path.isEmpty ? "/" : path, 0), path)
    return H5Aexists(object.id, name) > 0
  }

  private func tooMany(_ name: String, _ path: String) -> WeightFileError {
    unsupported(path, "attribute \(name) has more than \(Self.countLimit) strings")
  }

  func strings(
    _ name: String, object: borrowing HDF5Handle, _ path: String
  ) throws(WeightFileError) -> [String]? {
    switch H5Aexists(object.id, name) {
    case 0: return nil
    case 1: break
    default: throw malformed(path, HDF5Library.lastMessage())
    }
    let attribute = try opened(zoo_h5_open_attribute(object.id, name), path)
    let space = try opened(H5Aget_space(attribute.id), path)
    let type = try opened(H5Aget_type(attribute.id), path)
    let points = H5Sget_simple_extent_npoints(space.id)
    guard points >= 0, let count = Int(exactly: points) else {
      throw malformed(path, "attribute \(name) has no size")
    }
    if count == 0 { return [] }
    guard count <= Self.countLimit else { throw tooMany(name, path) }
    guard H5Tget_class(type.id) == H5T_STRING else {
      throw malformed(path, "attribute \(name) should hold strings")
    }
    if H5Tis_variable_str(type.id) > 0 {
      return try variableStrings(attribute, type, space, count: count, name, path)
    }
    return try fixedStrings(attribute, type, count: count, name, path)
  }

  private func fixedStrings(
    _ attribute: borrowing HDF5Handle, _ type: borrowing HDF5Handle, count: Int, _ name: String,
    _ path: String
  ) throws(WeightFileError) -> [String] {
    let size = H5Tget_size(type.id)
    let (total, overflow) = count.multipliedReportingOverflow(by: size)
    guard size > 0, !overflow, total <= Self.byteLimit else {
      throw unsupported(path, "attribute \(name) is larger than \(Self.byteLimit) bytes")
    }
    let padding = H5Tget_strpad(type.id)
    var bytes = [UInt8](repeating: 0, count: total)
    guard H5Aread(attribute.id, type.id, &bytes) >= 0 else {
      throw malformed(path, HDF5Library.lastMessage())
    }
    var strings: [String] = []
    strings.reserveCapacity(count)
    for start in stride(from: 0, to: total, by: size) {
      var text = bytes[start..<start + size].prefix { $0 != 0 }
      if padding == H5T_STR_SPACEPAD { while text.last == UInt8(ascii: " ") { text.removeLast() } }
      strings.append(try utf8(text, name, path))
    }
    return strings
  }

  private func variableStrings(
    _ attribute: borrowing HDF5Handle, _ type: borrowing HDF5Handle, _ space: borrowing HDF5Handle,
    count: Int,
    _ name: String, _ path: String
  ) throws(WeightFileError) -> [String] {
    let memory = try opened(zoo_h5_variable_string(type.id), path)
    var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
    guard H5Aread(attribute.id, memory.id, &pointers) >= 0 else {
      throw malformed(path, HDF5Library.lastMessage())
    }
    defer { zoo_h5_free_strings(memory.id, space.id, &pointers) }
    var total = 0
    var strings: [String] = []
    strings.reserveCapacity(count)
    for pointer in pointers {
      let text = pointer.map { UnsafeBufferPointer(start: $0, count: strlen($0)) }
      total += text?.count ?? 0
      guard total <= Self.byteLimit else {
        throw unsupported(path, "attribute \(name) is larger than \(Self.byteLimit) bytes")
      }
      strings.append(
        try utf8(text?.lazy.map { UInt8(bitPattern: $0) } ?? [UInt8]().lazy.map { $0 }, name, path))
    }
    return strings
  }

  private func utf8(_ bytes: some Sequence<UInt8>, _ name: String, _ path: String) throws(WeightFileError)
    -> String
  {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw malformed(path, "attribute \(name) is not UTF-8")
    }
    return text
  }
}
