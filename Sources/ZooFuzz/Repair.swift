import ZooSystem
import ZooWeightFiles

/// Puts checksums right after a change, so that what lies behind them is reached too.
enum Repair {
  /// A `.zoo` file with this header, its lengths and SHA-256 in the preamble.
  static func zoo(preamble: [UInt8], header: [UInt8], data: [UInt8]) -> [UInt8] {
    let padding = (64 - header.count % 64) % 64
    var preamble = preamble
    func put(_ number: Int, at place: Int) {
      withUnsafeBytes(of: UInt64(number).littleEndian) {
        preamble.replaceSubrange(place..<place + 8, with: $0)
      }
    }
    put(header.count, at: 16)
    put(64 + header.count + padding + data.count, at: 24)
    preamble.replaceSubrange(32..<64, with: SHA256Hasher.hash(header))
    return preamble + header + [UInt8](repeating: 0, count: padding) + data
  }

  /// The CRC of every chunk of a PNG file.
  static func png(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var position = 8
    while position + 12 <= bytes.count {
      let length = bytes[position..<position + 4].reduce(0) { $0 << 8 | Int($1) }
      guard length <= bytes.count - position - 12 else { break }
      let end = position + 8 + length
      withUnsafeBytes(of: crc(bytes[position + 4..<end]).bigEndian) {
        bytes.replaceSubrange(end..<end + 4, with: $0)
      }
      position = end + 4
    }
    return bytes
  }

  /// The CRC of every stored member of a ZIP archive, by its central directory.
  static func zip(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    func number(_ place: Int, _ count: Int) -> Int {
      guard place >= 0, place + count <= bytes.count else { return -1 }
      return (place..<place + count).reversed().reduce(0) { $0 << 8 | Int(bytes[$1]) }
    }
    var position = 0
    while position + 46 <= bytes.count {
      guard number(position, 4) == 0x0201_4b50 else {
        position += 1
        continue
      }
      let local = number(position + 42, 4)
      let start = local + 30 + number(local + 26, 2) + number(local + 28, 2)
      let size = number(position + 20, 4)
      if number(position + 10, 2) == 0, start > local, size >= 0, size <= bytes.count - start {
        withUnsafeBytes(of: crc(bytes[start..<start + size]).littleEndian) {
          bytes.replaceSubrange(position + 16..<position + 20, with: $0)
        }
      }
      position += 46
    }
    return bytes
  }

  private static func crc(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.withUnsafeBytes { crc32(of: $0) } }
}
