/// How a picture lies in its file: what has to be done to see it upright, numbered as EXIF's tag 0x0112.
package enum Orientation: Int, Sendable, CaseIterable {
  case upright = 1
  /// Left and right are exchanged.
  case mirrored
  case upsideDown
  /// Top and bottom are exchanged.
  case flipped
  /// Rows are columns.
  case transposed
  /// The top is at the left: to be turned clockwise.
  case turnedLeft
  /// Rows are columns, from the other corner.
  case transversed
  /// The top is at the right: to be turned counterclockwise.
  case turnedRight

  /// What an image file's metadata say, or `upright` where they say nothing: the EXIF block of JPEG, PNG and WebP,
  /// the first directory of TIFF.
  package init(of bytes: UnsafeRawBufferPointer, format: ImageFormat) {
    let reader = MetadataReader(bytes)
    let found: Orientation? =
      switch format {
      case .jpeg: reader.jpegBlock().flatMap(Orientation.init(exif:))
      case .png: reader.pngBlock().flatMap(Orientation.init(exif:))
      case .webp: reader.webpBlock().flatMap(Orientation.init(exif:))
      case .tiff: Orientation(exif: reader)
      default: nil
      }
    self = found ?? .upright
  }

  /// Reads the tag in the first directory of a TIFF structure, which is also what an EXIF block is.
  private init?(exif block: MetadataReader) {
    var block = block
    while block.has("Exif\0\0", at: 0) { block = block.part(from: 6, count: block.count - 6) }
    guard block.has("II", at: 0) || block.has("MM", at: 0) else { return nil }
    let big = block.has("MM", at: 0)
    func number(_ offset: Int, _ size: Int) -> Int? { block.number(at: offset, size: size, big: big) }
    // BigTIFF counts and points in 64 bits.
    guard let version = number(2, 2), version == 42 || version == 43 else { return nil }
    let isLong = version == 43
    let (pointer, counter, entry) = isLong ? (8, 8, 20) : (4, 2, 12)
    guard let directory = number(isLong ? 8 : 4, pointer), let count = number(directory, counter) else {
      return nil
    }
    var offset = directory + counter
    for _ in 0..<min(count, 1 << 16) {
      guard let tag = number(offset, 2), let type = number(offset + 2, 2) else { return nil }
      if tag == 0x0112 {
        let size = [1: 1, 3: 2, 4: 4][type]
        guard let value = size.flatMap({ number(offset + 4 + pointer, $0) }) else { return nil }
        self.init(rawValue: value)
        return
      }
      offset += entry
    }
    return nil
  }
}

/// Reads numbers of a file, none beyond its end.
private struct MetadataReader {
  private let bytes: UnsafeRawBufferPointer

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var count: Int { bytes.count }

  func has(_ text: String, at offset: Int) -> Bool {
    offset >= 0 && offset <= bytes.count && bytes[offset...].starts(with: text.utf8)
  }

  /// As much of that part as there is.
  func part(from offset: Int, count: Int) -> MetadataReader {
    let start = min(max(0, offset), bytes.count)
    let end = start + min(max(0, count), bytes.count - start)
    return MetadataReader(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
  }

  /// Nil beyond the end, and where it is larger than any file.
  func number(at offset: Int, size: Int, big: Bool) -> Int? {
    guard offset >= 0, size <= bytes.count, offset <= bytes.count - size else { return nil }
    var value: UInt64 = 0
    for index in 0..<size { value = value << 8 | UInt64(bytes[offset + (big ? index : size - 1 - index)]) }
    return value < 1 << 60 ? Int(value) : nil
  }

  /// The first EXIF block before the picture's data.
  func jpegBlock() -> MetadataReader? {
    var offset = 2
    while let mark = number(at: offset, size: 1, big: true), mark == 0xff,
      let marker = number(at: offset + 1, size: 1, big: true)
    {
      switch marker {
      case 0xff: offset += 1
      case 0x01, 0xd0...0xd7: offset += 2
      case 0xd9, 0xda: return nil
      default:
        guard let length = number(at: offset + 2, size: 2, big: true), length >= 2 else { return nil }
        if marker == 0xe1, has("Exif\0\0", at: offset + 4) {
          return part(from: offset + 4, count: length - 2)
        }
        offset += 2 + length
      }
    }
    return nil
  }

  func pngBlock() -> MetadataReader? {
    var offset = 8
    while let length = number(at: offset, size: 4, big: true) {
      if has("eXIf", at: offset + 4) { return part(from: offset + 8, count: length) }
      if has("IEND", at: offset + 4) { return nil }
      offset += 12 + length
    }
    return nil
  }

  func webpBlock() -> MetadataReader? {
    var offset = 12
    while let length = number(at: offset + 4, size: 4, big: false) {
      if has("EXIF", at: offset) { return part(from: offset + 8, count: length) }
      offset += 8 + length + length % 2
    }
    return nil
  }
}
