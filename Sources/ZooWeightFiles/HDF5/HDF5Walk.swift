import CHDF5
import ZooSystem
import ZooTensor

/// Goes through an HDF5 file once with libhdf5 and notes what is in it; the only code that shows a file to
/// libhdf5.
///
/// libhdf5 has memory faults on damaged files: wherever this runs, the process may end. All of it runs
/// inside ``HDF5Library/locked(_:)``.
struct HDF5Walk {
  typealias Problem = HDF5Catalogue.Problem

  private var catalogue = HDF5Catalogue()
  /// The objects that are known, by their addresses in the file.
  private var indices: [UInt64: Int] = [:]
  let limits: ReadingLimits
  private var steps = 0
  private var textBytes = 0

  /// The catalogue of the HDF5 file that `bytes` are; the file must start with its signature.
  ///
  /// - Throws: where there is no catalogue at all; what is wrong with a part of the file is in the catalogue.
  static func catalogue(
    of bytes: UnsafeRawBufferPointer, limits: ReadingLimits
  ) throws(Problem) -> HDF5Catalogue {
    try HDF5Library.locked { () throws(Problem) in
      var file: hid_t = -1
      let message = HDF5Library.message { text, capacity in
        file = zoo_h5_open_image(bytes.baseAddress, bytes.count, "image", text, capacity)
      }
      guard file >= 0 else { throw Problem(why: message) }
      // A failure to close leaves nothing to be done.
      defer { H5Fclose(file) }
      var walk = HDF5Walk(limits: limits)
      _ = try walk.visit(try walk.opened(zoo_h5_open(file, "/")), depth: 0)
      return walk.catalogue
    }
  }

  private init(limits: ReadingLimits) { self.limits = limits }

  // MARK: Budgets

  private mutating func countStep() throws(Problem) {
    steps += 1
    guard steps <= limits.objects else { throw tooManyObjects }
  }

  private var tooManyObjects: Problem {
    Problem(limit: "objects", "more than \(limits.objects) groups, datasets and attributes")
  }

  /// Counts bytes that the catalogue will hold.
  mutating func count(text bytes: Int) throws(Problem) {
    textBytes += bytes
    guard textBytes <= limits.text else {
      throw Problem(limit: "text", "its names and attributes have more than \(limits.text) bytes")
    }
  }

  // MARK: Objects

  /// The index of the open `object`, which is described where it is met for the first time.
  private mutating func visit(_ object: borrowing HDF5Handle, depth: Int) throws(Problem) -> Int {
    try countStep()
    var description = zoo_h5_object()
    guard zoo_h5_describe(object.id, &description) >= 0 else { throw Problem(why: HDF5Library.lastMessage()) }
    if let known = indices[description.identity] { return known }
    let index = catalogue.objects.count
    indices[description.identity] = index
    // Its place is taken before its members are visited: they may lead back to it.
    catalogue.objects.append(
      HDF5Catalogue.Object(
        isDataset: description.is_group == 0,
        content: .problem(Problem(why: "neither a group nor a dataset"))))
    do throws(Problem) {
      if description.attributes > 0 {
        catalogue.objects[index].attributes = try attributes(of: object)
      }
      if description.is_group != 0 {
        guard depth < limits.groups else {
          throw Problem(limit: "groups", "groups nested more than \(limits.groups) deep")
        }
        catalogue.objects[index].content = .group(try members(of: object, depth: depth))
      } else if description.is_dataset != 0 {
        catalogue.objects[index].content = .dataset(
          try dataset(object, attributes: catalogue.objects[index].attributes))
      }
    } catch {
      guard error.kind != .limit else { throw error }
      catalogue.objects[index].content = .problem(error)
    }
    return index
  }

  private mutating func members(
    of group: borrowing HDF5Handle, depth: Int
  ) throws(Problem) -> [HDF5Catalogue.Member] {
    var members: [HDF5Catalogue.Member] = []
    for (name, type) in try names({ zoo_h5_each_link(group.id, $0, $1) }) {
      try count(text: name.utf8.count)
      members.append(
        HDF5Catalogue.Member(name: name, link: try link(name, type: type, in: group, depth: depth)))
    }
    return members
  }

  private mutating func link(
    _ name: String, type: Int32, in group: borrowing HDF5Handle, depth: Int
  ) throws(Problem) -> HDF5Catalogue.Link {
    switch type {
    case Int32(H5L_TYPE_HARD.rawValue): break
    case Int32(H5L_TYPE_SOFT.rawValue): return .soft
    case Int32(H5L_TYPE_EXTERNAL.rawValue): return .external
    default: return .other
    }
    // libhdf5 would take such a name for a path.
    guard !name.isEmpty, name != ".", !name.contains("/") else {
      return .problem(Problem(why: "a member has the name '\(name)'"))
    }
    guard let object = HDF5Handle(zoo_h5_open(group.id, name)) else {
      return .problem(Problem(why: HDF5Library.lastMessage()))
    }
    return .hard(try visit(object, depth: depth + 1))
  }

  /// `id`, or the error that libhdf5 has just reported.
  func opened(_ id: hid_t) throws(Problem) -> HDF5Handle {
    guard let handle = HDF5Handle(id) else { throw Problem(why: HDF5Library.lastMessage()) }
    return handle
  }

  /// What `iterate` calls its visitor with: names, each with a number.
  func names(
    _ iterate: (
      @convention(c) (UnsafePointer<CChar>?, Int32, UnsafeMutableRawPointer?) -> Int32,
      UnsafeMutableRawPointer
    ) -> herr_t
  ) throws(Problem) -> [(name: String, type: Int32)] {
    final class Collector {
      var names: [(name: String, type: Int32)] = []
      var isUTF8 = true
      let limit: Int
      init(limit: Int) { self.limit = limit }
    }
    let collector = Collector(limit: limits.objects - steps)
    let status = withExtendedLifetime(collector) {
      iterate(
        { name, type, context in
          guard let name, let context else { return 1 }
          let collector = Unmanaged<Collector>.fromOpaque(context).takeUnretainedValue()
          guard let text = String(validatingCString: name) else {
            collector.isUTF8 = false
            return 1
          }
          collector.names.append((text, type))
          return collector.names.count > collector.limit ? 1 : 0
        }, Unmanaged.passUnretained(collector).toOpaque())
    }
    guard collector.isUTF8 else { throw Problem(why: "a name is not UTF-8") }
    guard status >= 0 else { throw Problem(why: HDF5Library.lastMessage()) }
    guard status == 0 else { throw tooManyObjects }
    return collector.names
  }
}

extension HDF5Catalogue.Problem {
  /// The limit of this name is exceeded.
  init(limit name: String, _ why: String) {
    self.init(kind: .limit, why: why, remedy: ReadingLimits.remedy(name))
  }
}
