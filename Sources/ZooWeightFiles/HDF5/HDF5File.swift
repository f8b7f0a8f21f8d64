import CHDF5
import Synchronization
import ZooTensor

/// An HDF5 file in memory (mapped, or a member of an archive), read through libhdf5.
///
/// Paths have no leading slash; the root group is the empty path. Soft and external links are
/// refused wherever a path leads through one.
final class HDF5File: Sendable {
  /// For error messages: the file, and the member where it lies in an archive.
  let location: String
  let bytes: ByteSlice
  let id: hid_t
  /// Paths that are known to go through hard links only.
  private let hardLinks = Mutex<Set<String>>([""])

  private static let opened = Atomic<Int>(0)

  /// Opens the file that `bytes` are.
  init(bytes: ByteSlice, location: String) throws(WeightFileError) {
    self.bytes = bytes
    self.location = location
    id = try HDF5Library.locked { () throws(WeightFileError) in
      let number = Self.opened.wrappingAdd(1, ordering: .relaxed).newValue
      var id: hid_t = -1
      let message = HDF5Library.message { text, capacity in
        id = bytes.withUnsafeBytes {
          zoo_h5_open_image($0.baseAddress, $0.count, "image \(number)", text, capacity)
        }
      }
      guard id >= 0 else { throw WeightFileError(.malformed, "HDF5 file", at: location, message) }
      return id
    }
  }

  deinit {
    // A failure to close leaves nothing to be done.
    _ = try? HDF5Library.locked { H5Fclose(id) }
  }

  // MARK: Errors

  func malformed(_ path: String, _ why: String) -> WeightFileError {
    WeightFileError(.malformed, "HDF5 file", at: place(path), why)
  }

  func unsupported(_ path: String, _ why: String, remedy: String? = nil) -> WeightFileError {
    WeightFileError(.unsupported, "HDF5 file", at: place(path), why, remedy: remedy)
  }

  private func place(_ path: String) -> String { path.isEmpty ? location : "\(location), \(path)" }

  /// `handle`, or the error that libhdf5 has just reported about `path`.
  func opened(_ id: hid_t, _ path: String) throws(WeightFileError) -> HDF5Handle {
    guard let handle = HDF5Handle(id) else { throw malformed(path, HDF5Library.lastMessage()) }
    return handle
  }

  // MARK: Links, inside the lock

  /// Whether something is linked under `path`; every group on the way must exist.
  func exists(_ path: String) throws(WeightFileError) -> Bool {
    let type = zoo_h5_link_type(id, path)
    if type == -1 { throw malformed(path, HDF5Library.lastMessage()) }
    return type != -2
  }

  /// Checks that every step of `path` is there and a hard link.
  func checkLinks(_ path: String) throws(WeightFileError) {
    if hardLinks.withLock({ $0.contains(path) }) { return }
    if let slash = path.lastIndex(of: "/") { try checkLinks(String(path[..<slash])) }
    switch zoo_h5_link_type(id, path) {
    case Int32(H5L_TYPE_HARD.rawValue): break
    case -2: throw malformed(path, "named by the file's own list, but not there")
    case -1: throw malformed(path, HDF5Library.lastMessage())
    case let type: throw refused(path, linkType: type)
    }
    hardLinks.withLock { _ = $0.insert(path) }
  }

  private func refused(_ path: String, linkType: Int32) -> WeightFileError {
    let kind =
      switch linkType {
      case Int32(H5L_TYPE_SOFT.rawValue): "a soft link"
      case Int32(H5L_TYPE_EXTERNAL.rawValue): "a link to another file"
      default: "a user-defined link"
      }
    return unsupported(path, "\(kind), which no Keras file needs and which is not followed")
  }

  /// The names in a group, ascending, each with whether it is a dataset (else it is a group).
  func members(of path: String, limit: Int) throws(WeightFileError) -> [(name: String, isDataset: Bool)] {
    try checkLinks(path)
    let group = try opened(zoo_h5_open_group(id, path.isEmpty ? "/" : path), path)
    final class Collector {
      var links: [(name: String, type: Int32)] = []
      let limit: Int
      init(limit: Int) { self.limit = limit }
    }
    let collector = Collector(limit: limit)
    let status = withExtendedLifetime(collector) {
      zoo_h5_each_link(
        group.id,
        { name, type, context in
          guard let name, let context else { return 1 }
          let collector = Unmanaged<Collector>.fromOpaque(context).takeUnretainedValue()
          collector.links.append((String(cString: name), type))
          return collector.links.count > collector.limit ? 1 : 0
        }, Unmanaged.passUnretained(collector).toOpaque())
    }
    guard status >= 0 else { throw malformed(path, HDF5Library.lastMessage()) }
    guard status == 0 else { throw unsupported(path, "more than \(limit) members in a group") }
    var members: [(name: String, isDataset: Bool)] = []
    for link in collector.links {
      let inner = path.isEmpty ? link.name : "\(path)/\(link.name)"
      guard link.type == Int32(H5L_TYPE_HARD.rawValue) else { throw refused(inner, linkType: link.type) }
      let kind = zoo_h5_is_dataset(group.id, link.name)
      guard kind >= 0 else { throw malformed(inner, "neither a group nor a dataset") }
      hardLinks.withLock { _ = $0.insert(inner) }
      members.append((link.name, kind == 1))
    }
    return members
  }
}
