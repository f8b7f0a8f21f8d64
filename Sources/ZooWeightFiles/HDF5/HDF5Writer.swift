import CHDF5
import ZooSystem
import ZooTensor

/// What an HDF5 file is to hold, before its data: groups with attributes, and datasets.
///
/// Paths have no leading slash; the root group is the empty path.
package struct HDF5Contents: Sendable {
  package enum Attribute: Sendable {
    case text(String)
    /// A text of any length, such as a configuration.
    case document(String)
    /// A list of names as Keras writes it: one attribute, or several numbered ones where that would be
    /// too large for an object's header.
    case names([String])
  }

  package struct Dataset: Sendable {
    package let path: String
    package let shape: Shape
    /// A floating-point type of IEEE 754.
    package let elementType: ElementType

    package init(path: String, shape: Shape, elementType: ElementType) {
      self.path = path
      self.shape = shape
      self.elementType = elementType
    }
  }

  /// Attributes of groups, by path; groups on the way to another one or to a dataset need not be listed.
  package var groups: [(path: String, attributes: [(name: String, value: Attribute)])] = []
  package var datasets: [Dataset] = []

  package init() {}
}

/// Writes HDF5 files in two steps: libhdf5 makes the structure and says where each dataset's data goes;
/// whoever has the data writes it there. So a tensor is never in the memory of libhdf5.
package enum HDF5Writer {
  /// The most bytes of one attribute; Keras' own limit (`HDF5_OBJECT_HEADER_LIMIT`).
  static let attributeLimit = 64512

  /// Writes the structure into `file`, which must be hidden: libhdf5 opens files by their names.
  ///
  /// - Returns: where each dataset's data starts, in bytes from the file's start.
  /// - Throws: `ZooError`, also where a name is none that HDF5 can hold.
  package static func writeStructure(
    of contents: HDF5Contents, to file: borrowing AtomicFile
  ) throws(ZooError) -> [Int] {
    let path = file.path
    let temporaryPath = file.temporaryPath
    do {
      return try HDF5Library.locked { () throws(ZooError) in
        var structure = try Structure(temporaryPath)
        for group in contents.groups {
          try structure.makeGroup(group.path)
          for attribute in group.attributes {
            try structure.put(attribute.value, named: attribute.name, on: group.path)
          }
        }
        var offsets: [Int] = []
        for dataset in contents.datasets { offsets.append(try structure.make(dataset)) }
        try structure.close()
        return offsets
      }
    } catch {
      throw ZooError.file(.write, path, reason: error.why)
    }
  }
}

/// An HDF5 file that is being laid out; only inside ``HDF5Library/locked(_:)``.
private struct Structure: ~Copyable {
  private let file: HDF5Handle
  private var groups: Set<String> = [""]

  init(_ path: String) throws(ZooError) {
    file = try Self.made(zoo_h5_create_file(path), path)
  }

  mutating func makeGroup(_ path: String) throws(ZooError) {
    guard !groups.contains(path) else { return }
    try makeGroup(parent(of: path))
    try checkName(path)
    _ = try Self.made(zoo_h5_create_group(file.id, path), path)
    groups.insert(path)
  }

  /// Where the dataset's data starts; 0 for one without elements.
  mutating func make(_ dataset: HDF5Contents.Dataset) throws(ZooError) -> Int {
    try makeGroup(parent(of: dataset.path))
    try checkName(dataset.path)
    let extents = dataset.shape.dimensions.map(hsize_t.init)
    let handle = try Self.made(
      zoo_h5_create_dataset(
        file.id, dataset.path, dataset.elementType.byteCount, Int32(extents.count), extents),
      dataset.path)
    let offset = H5Dget_offset(handle.id)
    guard zoo_h5_is_address(offset) != 0 else {
      guard dataset.shape.elementCount == 0 else { throw Self.failure(dataset.path) }
      return 0
    }
    return Int(clamping: offset)
  }

  func put(
    _ attribute: HDF5Contents.Attribute, named name: String, on group: String
  ) throws(ZooError) {
    let handle = try Self.made(zoo_h5_open_group(file.id, group.isEmpty ? "/" : group), group)
    switch attribute {
    case .text(let text): try put([text], named: name, on: handle, isSingle: true)
    case .document(let text):
      guard zoo_h5_put_text(handle.id, name, text) >= 0 else { throw Self.failure(name) }
    case .names(let names):
      let width = names.map(\.utf8.count).max() ?? 0
      let share = HDF5Writer.attributeLimit / max(1, width)
      guard share > 0 else {
        throw ZooError(.unsupported, "HDF5 file", at: group, "a name of \(width) bytes is too long")
      }
      if names.count <= share { return try put(names, named: name, on: handle) }
      for (part, start) in stride(from: 0, to: names.count, by: share).enumerated() {
        try put(Array(names[start..<min(start + share, names.count)]), named: "\(name)\(part)", on: handle)
      }
    }
  }

  private func put(
    _ texts: [String], named name: String, on group: borrowing HDF5Handle, isSingle: Bool = false
  ) throws(ZooError) {
    let width = max(1, texts.map(\.utf8.count).max() ?? 0)
    var bytes: [UInt8] = []
    for text in texts { bytes += Array(text.utf8) + repeatElement(0, count: width - text.utf8.count) }
    guard zoo_h5_put_strings(group.id, name, bytes, width, isSingle ? -1 : texts.count) >= 0 else {
      throw Self.failure(name)
    }
  }

  /// Writes all that is still in memory.
  consuming func close() throws(ZooError) {
    guard H5Fflush(file.id, H5F_SCOPE_GLOBAL) >= 0 else { throw Self.failure("") }
  }

  private func parent(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
  }

  /// A dot is HDF5's name for the group itself, and no name has a NUL.
  private func checkName(_ path: String) throws(ZooError) {
    let last = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).last ?? []
    guard !last.isEmpty, !last.elementsEqual(".".utf8), !last.contains(0) else {
      throw ZooError(.unsupported, "HDF5 file", at: path, "'\(path)' can't be a name in HDF5")
    }
  }

  private static func made(_ id: hid_t, _ path: String) throws(ZooError) -> HDF5Handle {
    guard let handle = HDF5Handle(id) else { throw failure(path) }
    return handle
  }

  private static func failure(_ path: String) -> ZooError {
    ZooError(.unreadable, "HDF5 file", at: path, HDF5Library.lastMessage())
  }
}
