import CHDF5

// Attributes hold what Keras writes about the weights: names, configurations, versions.
extension HDF5Walk {
  /// All attributes of the open `object`.
  mutating func attributes(
    of object: borrowing HDF5Handle
  ) throws(Problem) -> [String: HDF5Catalogue.Attribute] {
    let id = object.id
    var attributes: [String: HDF5Catalogue.Attribute] = [:]
    for (name, _) in try names({ zoo_h5_each_attribute(id, $0, $1) }) {
      try count(text: name.utf8.count)
      do throws(Problem) {
        attributes[name] = try attribute(name, of: object)
      } catch {
        guard error.kind != .limit else { throw error }
        attributes[name] = .problem(error)
      }
    }
    return attributes
  }

  private mutating func attribute(
    _ name: String, of object: borrowing HDF5Handle
  ) throws(Problem) -> HDF5Catalogue.Attribute {
    let attribute = try opened(zoo_h5_open_attribute(object.id, name))
    let space = try opened(H5Aget_space(attribute.id))
    let type = try opened(H5Aget_type(attribute.id))
    let points = H5Sget_simple_extent_npoints(space.id)
    guard points >= 0, let count = Int(exactly: points) else {
      throw Problem(why: "attribute \(name) has no size")
    }
    if count == 0 { return .empty }
    if H5Tget_class(type.id) == H5T_INTEGER, count == 1 {
      var value: Int64 = 0
      guard zoo_h5_read_integer(attribute.id, &value) >= 0 else {
        throw Problem(why: HDF5Library.lastMessage())
      }
      return .integer(value)
    }
    guard H5Tget_class(type.id) == H5T_STRING else { return .other }
    // Every string takes a byte at least, if only of a pointer.
    try self.count(text: count)
    if H5Tis_variable_str(type.id) > 0 {
      return .strings(try variableStrings(attribute, type, space, count: count, name))
    }
    return .strings(try fixedStrings(attribute, type, count: count, name))
  }

  private mutating func fixedStrings(
    _ attribute: borrowing HDF5Handle, _ type: borrowing HDF5Handle, count: Int, _ name: String
  ) throws(Problem) -> [String] {
    let size = H5Tget_size(type.id)
    let (total, overflow) = count.multipliedReportingOverflow(by: size)
    guard size > 0, !overflow else { throw Problem(why: "attribute \(name) has no size") }
    try self.count(text: total)
    let padding = H5Tget_strpad(type.id)
    var bytes = [UInt8](repeating: 0, count: total)
    guard H5Aread(attribute.id, type.id, &bytes) >= 0 else { throw Problem(why: HDF5Library.lastMessage()) }
    var strings: [String] = []
    strings.reserveCapacity(count)
    for start in stride(from: 0, to: total, by: size) {
      var text = bytes[start..<start + size].prefix { $0 != 0 }
      if padding == H5T_STR_SPACEPAD { while text.last == UInt8(ascii: " ") { text.removeLast() } }
      strings.append(try utf8(text, name))
    }
    return strings
  }

  private mutating func variableStrings(
    _ attribute: borrowing HDF5Handle, _ type: borrowing HDF5Handle, _ space: borrowing HDF5Handle,
    count: Int, _ name: String
  ) throws(Problem) -> [String] {
    let memory = try opened(zoo_h5_variable_string(type.id))
    var pointers = [UnsafeMutablePointer<CChar>?](repeating: nil, count: count)
    guard H5Aread(attribute.id, memory.id, &pointers) >= 0 else {
      throw Problem(why: HDF5Library.lastMessage())
    }
    defer { zoo_h5_free_strings(memory.id, space.id, &pointers) }
    var strings: [String] = []
    strings.reserveCapacity(count)
    for pointer in pointers {
      let text = UnsafeRawBufferPointer(start: pointer, count: pointer.map { strlen($0) } ?? 0)
      try self.count(text: text.count)
      strings.append(try utf8(text, name))
    }
    return strings
  }

  private func utf8(_ bytes: some Sequence<UInt8>, _ name: String) throws(Problem) -> String {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Problem(why: "attribute \(name) is not UTF-8")
    }
    return text
  }
}
