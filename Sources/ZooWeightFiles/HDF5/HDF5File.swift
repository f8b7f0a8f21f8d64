import ZooSystem
import ZooTensor

/// An HDF5 file in memory (mapped, or a member of an archive): what its catalogue lists, checked where it
/// is asked for.
///
/// Paths have no leading slash; the root group is the empty path. Soft and external links are
/// refused wherever a path leads through one.
final class HDF5File: Sendable {
  /// For error messages: the file, and the member where it lies in an archive.
  let location: String
  /// From the signature on: offsets count from there.
  let bytes: ByteSlice
  private let objects: [HDF5Catalogue.Object]
  /// Of each group, its members' places in its list.
  private let places: [[String: Int]]

  /// Opens the file that `bytes` are; ``HDF5Access/current`` says where libhdf5 looks at it.
  convenience init(bytes: ByteSlice, location: String) throws(ZooError) {
    guard let start = bytes.withUnsafeBytes(HDF5Signature.offset),
      let file = bytes.part(at: start, count: bytes.count - start)
    else { throw ZooError(.malformed, "HDF5 file", at: location, "it has no HDF5 signature") }
    let catalogue = try HDF5Access.current.catalogue(of: file, location: location)
    self.init(bytes: file, location: location, catalogue: catalogue)
  }

  /// The file that `bytes` are, which start with the signature, as `catalogue` describes it.
  init(bytes: ByteSlice, location: String, catalogue: HDF5Catalogue) {
    self.bytes = bytes
    self.location = location
    objects = catalogue.objects
    places = objects.map { object in
      guard case .group(let members) = object.content else { return [:] }
      return Dictionary(
        members.enumerated().map { ($0.element.name, $0.offset) }, uniquingKeysWith: { first, _ in first })
    }
  }

  // MARK: Errors

  func malformed(_ path: String, _ why: String) -> ZooError {
    ZooError(.malformed, "HDF5 file", at: place(path), why)
  }

  func unsupported(_ path: String, _ why: String, remedy: String? = nil) -> ZooError {
    ZooError(.unsupported, "HDF5 file", at: place(path), why, remedy: remedy)
  }

  private func place(_ path: String) -> String { path.isEmpty ? location : "\(location), \(path)" }

  private func error(_ problem: HDF5Catalogue.Problem, _ path: String) -> ZooError {
    ZooError(problem, at: place(path))
  }

  // MARK: Links

  /// Whether something is linked under `path`; every group on the way must exist.
  func exists(_ path: String) throws(ZooError) -> Bool {
    let slash = path.lastIndex(of: "/")
    let group = try object(slash.map { String(path[..<$0]) } ?? "").index
    return places[group][slash.map { String(path[path.index(after: $0)...]) } ?? path] != nil
  }

  /// The object at `path`; every step must be there and a hard link.
  private func object(
    _ path: String
  ) throws(ZooError) -> (index: Int, object: HDF5Catalogue.Object) {
    var index = 0
    var passed: Set<Int> = [0]
    var walked = ""
    guard objects.indices.contains(0) else { throw malformed("", "it has no root group") }
    for name in path.split(separator: "/", omittingEmptySubsequences: false) where !path.isEmpty {
      let members = try group(index, walked)
      walked = walked.isEmpty ? String(name) : "\(walked)/\(name)"
      guard let place = places[index][String(name)], members.indices.contains(place) else {
        throw malformed(walked, "listed by the file, but missing")
      }
      index = try target(of: members[place], walked)
      guard passed.insert(index).inserted else { throw malformed(walked, "a group that contains itself") }
    }
    return (index, objects[index])
  }

  private func group(_ index: Int, _ path: String) throws(ZooError) -> [HDF5Catalogue.Member] {
    switch objects[index].content {
    case .group(let members): return members
    case .dataset: throw malformed(path, "not a group")
    case .problem(let problem): throw error(problem, path)
    }
  }

  /// The object that a link leads to.
  private func target(of member: HDF5Catalogue.Member, _ path: String) throws(ZooError) -> Int {
    let kind: String
    switch member.link {
    case .hard(let index):
      guard objects.indices.contains(index) else { throw malformed(path, "a link without a target") }
      return index
    case .problem(let problem): throw error(problem, path)
    case .soft: kind = "a soft link"
    case .external: kind = "a link to another file"
    case .other: kind = "a user-defined link"
    }
    throw unsupported(path, "\(kind), which is not followed; Keras files do not need any")
  }

  /// The names in a group, ascending, each with whether it is a dataset (else it is a group).
  func members(of path: String, limit: Int) throws(ZooError) -> [(name: String, isDataset: Bool)] {
    let (index, _) = try object(path)
    let members = try group(index, path)
    guard members.count <= limit else { throw unsupported(path, "more than \(limit) members in a group") }
    var result: [(name: String, isDataset: Bool)] = []
    result.reserveCapacity(members.count)
    for member in members {
      let inner = path.isEmpty ? member.name : "\(path)/\(member.name)"
      result.append((member.name, objects[try target(of: member, inner)].isDataset))
    }
    return result
  }

  // MARK: Attributes

  /// The strings of attribute `name` of the group or dataset at `path`, nil where there is none.
  /// A scalar is one string, and an array without elements, of whatever type, is no strings: that is
  /// how an empty list of names comes out of NumPy.
  func strings(_ name: String, of path: String) throws(ZooError) -> [String]? {
    try strings(name, try object(path).object, path)
  }

  /// The one string of attribute `name`, nil where there is none.
  func string(_ name: String, of path: String) throws(ZooError) -> String? {
    guard let values = try strings(name, of: path) else { return nil }
    guard let value = values.first, values.count == 1 else {
      throw malformed(path, "attribute \(name) holds \(values.count) strings where one was expected")
    }
    return value
  }

  /// The names in attribute `name`, or in its parts `name0`, `name1`, … into which Keras splits what
  /// is too long for one attribute; nil where there is neither.
  func names(_ name: String, of path: String) throws(ZooError) -> [String]? {
    let (_, object) = try object(path)
    if let whole = try strings(name, object, path) { return whole }
    var all: [String]?
    var part = 0
    while let some = try strings("\(name)\(part)", object, path) {
      all = (all ?? []) + some
      part += 1
    }
    return all
  }

  /// The one integer of attribute `name` of the group or dataset at `path`, nil where there is none.
  func integer(_ name: String, of path: String) throws(ZooError) -> Int? {
    switch try object(path).object.attributes[name] {
    case nil: return nil
    case .integer(let value): return Int(clamping: value)
    case .problem(let problem): throw error(problem, path)
    default: throw malformed(path, "attribute \(name) should be one integer")
    }
  }

  /// Whether the group or dataset at `path` has an attribute `name` of any type.
  func hasAttribute(_ name: String, of path: String) throws(ZooError) -> Bool {
    try object(path).object.attributes[name] != nil
  }

  private func strings(
    _ name: String, _ object: HDF5Catalogue.Object, _ path: String
  ) throws(ZooError) -> [String]? {
    switch object.attributes[name] {
    case nil:
      // Where the attributes could not be listed, absence means nothing.
      if case .problem(let problem) = object.content, object.attributes.isEmpty { throw error(problem, path) }
      return nil
    case .strings(let strings): return strings
    case .empty: return []
    case .other, .integer: throw malformed(path, "attribute \(name) should hold strings")
    case .problem(let problem): throw error(problem, path)
    }
  }

  // MARK: Datasets

  /// The dataset at `path`, with its description checked against the file.
  func dataset(_ path: String) throws(ZooError) -> HDF5Dataset {
    switch try object(path).object.content {
    case .group: throw malformed(path, "not a dataset")
    case .problem(let problem): throw error(problem, path)
    case .dataset(let dataset): return try HDF5Dataset(dataset, path: path, in: self)
    }
  }
}

extension HDF5File {
  /// Reads the data of every dataset.
  func readAll() throws(ZooError) {
    for (index, object) in objects.enumerated() {
      guard case .dataset(let dataset) = object.content else { continue }
      _ = try HDF5Dataset(dataset, path: "object \(index)", in: self).read(from: self)
    }
  }
}

extension ZooError {
  init(_ problem: HDF5Catalogue.Problem, at location: String) {
    let code: Code = problem.kind == .malformed ? .malformed : .unsupported
    self.init(code, "HDF5 file", at: location, problem.why, remedy: problem.remedy)
  }
}
