import ZooSystem
import ZooTensor

// How a catalogue travels between processes of one version of this program: little-endian numbers of 64
// bits, kinds as single bytes, and lengths before what they count. The receiver believes nothing of it.

// MARK: Writing

struct CatalogueEncoder {
  private(set) var bytes: [UInt8] = []

  init(_ catalogue: HDF5Catalogue) {
    list(catalogue.objects) { encoder, object in
      encoder.kind(object.isDataset ? 1 : 0)
      encoder.content(object.content)
      encoder.list(object.attributes.sorted { $0.key < $1.key }) { encoder, attribute in
        encoder.text(attribute.key)
        encoder.attribute(attribute.value)
      }
    }
  }

  /// What to say where there is no catalogue.
  init(_ problem: HDF5Catalogue.Problem) { self.problem(problem) }

  private mutating func kind(_ value: UInt8) { bytes.append(value) }

  private mutating func number(_ value: UInt64) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }

  private mutating func raw(_ value: some Collection<UInt8>) {
    number(UInt64(value.count))
    bytes.append(contentsOf: value)
  }

  private mutating func text(_ value: String) { raw(value.utf8) }

  private mutating func list<Element>(
    _ elements: some Collection<Element>, _ encode: (inout CatalogueEncoder, Element) -> Void
  ) {
    number(UInt64(elements.count))
    for element in elements { encode(&self, element) }
  }

  private mutating func numbers(_ values: [UInt64]) { list(values) { $0.number($1) } }

  private mutating func problem(_ problem: HDF5Catalogue.Problem) {
    kind(problem.kind.rawValue)
    text(problem.why)
    text(problem.remedy ?? "")
  }

  private mutating func content(_ content: HDF5Catalogue.Content) {
    switch content {
    case .group(let members):
      kind(0)
      list(members) { encoder, member in
        encoder.text(member.name)
        encoder.link(member.link)
      }
    case .dataset(let dataset):
      kind(1)
      numbers(dataset.extents)
      text(dataset.elementType.rawValue)
      kind(dataset.isBigEndian ? 1 : 0)
      storage(dataset.storage)
    case .problem(let problem):
      kind(2)
      self.problem(problem)
    }
  }

  private mutating func link(_ link: HDF5Catalogue.Link) {
    switch link {
    case .hard(let index):
      kind(0)
      number(UInt64(index))
    case .soft: kind(1)
    case .external: kind(2)
    case .other: kind(3)
    case .problem(let problem):
      kind(4)
      self.problem(problem)
    }
  }

  private mutating func attribute(_ attribute: HDF5Catalogue.Attribute) {
    switch attribute {
    case .strings(let strings):
      kind(0)
      list(strings) { $0.text($1) }
    case .empty: kind(1)
    case .other: kind(2)
    case .problem(let problem):
      kind(3)
      self.problem(problem)
    case .integer(let value):
      kind(4)
      number(UInt64(bitPattern: value))
    }
  }

  private mutating func storage(_ storage: HDF5Catalogue.Storage) {
    switch storage {
    case .contiguous(let offset, let size):
      kind(0)
      numbers([offset, size])
    case .compact(let data):
      kind(1)
      raw(data)
    case .chunked(let chunks):
      kind(2)
      numbers(chunks.extents)
      list(chunks.filters) { $0.filter($1) }
      raw(chunks.fill)
      list(chunks.stored) { encoder, chunk in
        encoder.numbers(chunk.origin)
        encoder.numbers([chunk.offset, chunk.size, UInt64(chunk.skippedFilters)])
      }
    case .unwritten(let fill):
      kind(3)
      raw(fill)
    }
  }

  private mutating func filter(_ filter: HDF5Catalogue.Filter) {
    switch filter {
    case .deflate: kind(0)
    case .shuffle(let size):
      kind(1)
      number(size)
    case .fletcher32: kind(2)
    }
  }
}

// MARK: Reading

/// Reads what ``CatalogueEncoder`` writes; every failure is the same one, nil.
struct CatalogueDecoder {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  /// How many elements lists may still have: they take more memory than bytes.
  private var elementsLeft: Int

  /// The catalogue that `bytes` are, all of them.
  static func catalogue(_ bytes: UnsafeRawBufferPointer) -> HDF5Catalogue? {
    var decoder = CatalogueDecoder(bytes: bytes)
    let objects = decoder.list { decoder -> HDF5Catalogue.Object? in
      guard let isDataset = decoder.kind(), let content = decoder.content(),
        let attributes = decoder.list({ decoder -> (String, HDF5Catalogue.Attribute)? in
          guard let name = decoder.text(), let attribute = decoder.attribute() else { return nil }
          return (name, attribute)
        })
      else { return nil }
      return HDF5Catalogue.Object(
        isDataset: isDataset != 0, content: content,
        attributes: Dictionary(attributes, uniquingKeysWith: { first, _ in first }))
    }
    guard let objects, decoder.position == bytes.count else { return nil }
    return HDF5Catalogue(objects: objects)
  }

  /// What stands in place of a catalogue.
  static func problem(_ bytes: UnsafeRawBufferPointer) -> HDF5Catalogue.Problem? {
    var decoder = CatalogueDecoder(bytes: bytes)
    return decoder.problem()
  }

  private init(bytes: UnsafeRawBufferPointer) {
    self.bytes = bytes
    // What the walk may count as objects, and as numbers of eight bytes in place of text.
    let limits = ReadingLimits.current
    elementsLeft = max(limits.objects, limits.objects &+ limits.text / 8)
  }

  private mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, count <= bytes.count - position else { return nil }
    defer { position += count }
    return UnsafeRawBufferPointer(rebasing: bytes[position..<position + count])
  }

  private mutating func kind() -> UInt8? { take(1)?.first }

  private mutating func number() -> UInt64? {
    take(8).map { UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)) }
  }

  private mutating func raw() -> UnsafeRawBufferPointer? {
    number().flatMap { Int(exactly: $0) }.flatMap { take($0) }
  }

  private mutating func text() -> String? { raw().flatMap { String(validating: $0, as: UTF8.self) } }

  private mutating func list<Element>(_ decode: (inout CatalogueDecoder) -> Element?) -> [Element]? {
    // No element takes less than a byte: a count beyond the bytes that are there is none.
    guard let count = number(), count <= UInt64(bytes.count - position), count <= UInt64(elementsLeft)
    else { return nil }
    elementsLeft -= Int(count)
    var elements: [Element] = []
    elements.reserveCapacity(min(Int(count), 4096))
    for _ in 0..<count {
      guard let element = decode(&self) else { return nil }
      elements.append(element)
    }
    return elements
  }

  private mutating func numbers() -> [UInt64]? { list { $0.number() } }

  private mutating func problem() -> HDF5Catalogue.Problem? {
    guard let kind = kind().flatMap(HDF5Catalogue.Problem.Kind.init), let why = text(),
      let remedy = text()
    else { return nil }
    return HDF5Catalogue.Problem(kind: kind, why: why, remedy: remedy.isEmpty ? nil : remedy)
  }

  private mutating func content() -> HDF5Catalogue.Content? {
    switch kind() {
    case 0:
      let members = list { decoder -> HDF5Catalogue.Member? in
        guard let name = decoder.text(), let link = decoder.link() else { return nil }
        return HDF5Catalogue.Member(name: name, link: link)
      }
      return members.map { .group($0) }
    case 1:
      guard let extents = numbers(), let type = text().flatMap(ElementType.init), let isBigEndian = kind(),
        let storage = storage()
      else { return nil }
      return .dataset(
        HDF5Catalogue.Dataset(
          extents: extents, elementType: type, isBigEndian: isBigEndian != 0, storage: storage))
    case 2: return problem().map { .problem($0) }
    default: return nil
    }
  }

  private mutating func link() -> HDF5Catalogue.Link? {
    switch kind() {
    case 0: number().flatMap { Int(exactly: $0) }.map { .hard($0) }
    case 1: .soft
    case 2: .external
    case 3: .other
    case 4: problem().map { .problem($0) }
    default: nil
    }
  }

  private mutating func attribute() -> HDF5Catalogue.Attribute? {
    switch kind() {
    case 0: list { $0.text() }.map { .strings($0) }
    case 1: .empty
    case 2: .other
    case 3: problem().map { .problem($0) }
    case 4: number().map { .integer(Int64(bitPattern: $0)) }
    default: nil
    }
  }

  private mutating func storage() -> HDF5Catalogue.Storage? {
    switch kind() {
    case 0:
      guard let place = numbers(), place.count == 2 else { return nil }
      return .contiguous(offset: place[0], size: place[1])
    case 1: return raw().map { .compact(Array($0)) }
    case 2:
      guard let extents = numbers(), let filters = list({ $0.filter() }), let fill = raw(),
        let stored = list({ $0.chunk() })
      else { return nil }
      return .chunked(
        HDF5Catalogue.Chunks(extents: extents, filters: filters, fill: Array(fill), stored: stored))
    case 3: return raw().map { .unwritten(fill: Array($0)) }
    default: return nil
    }
  }

  private mutating func chunk() -> HDF5Catalogue.Chunk? {
    guard let origin = numbers(), let place = numbers(), place.count == 3,
      let skipped = UInt32(exactly: place[2])
    else { return nil }
    return HDF5Catalogue.Chunk(origin: origin, offset: place[0], size: place[1], skippedFilters: skipped)
  }

  private mutating func filter() -> HDF5Catalogue.Filter? {
    switch kind() {
    case 0: .deflate
    case 1: number().map { .shuffle(size: $0) }
    case 2: .fletcher32
    default: nil
    }
  }
}
