import ZooTestSupport

extension SplitMix {
  /// 0 ..< `bound`; 0 where that is empty.
  mutating func below(_ bound: Int) -> Int { bound > 0 ? Int(next() % UInt64(bound)) : 0 }

  mutating func element<Element>(of elements: [Element]) -> Element { elements[below(elements.count)] }
}

/// Changes bytes in the ways that files go wrong, or are made wrong.
struct Mutator {
  var random: SplitMix
  /// What parts of other files are taken from.
  let others: [[UInt8]]

  /// `bytes` with one to six changes.
  mutating func mutated(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<(1 + random.below(3) * random.below(3) + random.below(2)) { change(&bytes) }
    return bytes
  }

  /// `bytes` with one to three of them changed by a little, which keeps most encodings valid.
  mutating func nudged(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<(1 + random.below(3)) where !bytes.isEmpty {
      let place = random.below(bytes.count)
      bytes[place] = random.element(of: [
        bytes[place] &+ 1, bytes[place] &- 1, bytes[place] ^ 4, bytes[place] &* 2,
      ])
    }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else {
      bytes = (0..<random.below(64)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
      return
    }
    let place = random.below(bytes.count)
    switch random.below(20) {
    case 0..<4: bytes[place] ^= 1 << UInt8(random.below(8))
    case 4..<6: bytes[place] = UInt8(truncatingIfNeeded: random.next())
    case 6..<12: putInteger(into: &bytes)
    case 12: bytes.removeSubrange(place...)
    case 13: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.below(64)))
    case 14:
      let part = bytes[place..<min(bytes.count, place + 1 + random.below(256))]
      bytes.insert(contentsOf: Array(part), at: random.below(bytes.count))
    case 15:
      bytes.insert(
        contentsOf: (0..<random.below(32)).map { _ in UInt8(truncatingIfNeeded: random.next()) }, at: place)
    case 16, 17:
      // Bytes over others: of this file or of another, at the same place or anywhere.
      let source = random.below(2) == 0 || others.isEmpty ? bytes : random.element(of: others)
      let from = random.below(2) == 0 ? min(place, source.count) : random.below(source.count)
      let count = min(1 + random.below(64), source.count - from, bytes.count - place)
      guard count > 0 else { return }
      bytes.replaceSubrange(place..<place + count, with: source[from..<from + count])
    case 18:
      let value: UInt8 = random.below(2) == 0 ? 0 : 0xff
      for index in place..<min(bytes.count, place + 1 + random.below(16)) { bytes[index] = value }
    default:
      // The start of one file with the end of another.
      guard !others.isEmpty else { return }
      let other = random.element(of: others)
      bytes = Array(bytes[..<place]) + other[min(place, other.count)...]
    }
  }

  /// An integer where one can be: a value at an edge, or near the one that is there.
  private mutating func putInteger(into bytes: inout [UInt8]) {
    let size = 1 << random.below(4)
    guard bytes.count >= size else { return }
    var place = random.below(bytes.count - size + 1)
    if random.below(3) > 0 { place -= place % size }
    let isBig = random.below(3) == 0
    var old: UInt64 = 0
    for index in 0..<size {
      old |= UInt64(bytes[place + index]) << (8 * UInt64(isBig ? size - 1 - index : index))
    }
    let bits = UInt64(8 * size)
    let edges: [UInt64] = [
      0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff,
      0x7fff_ffff_ffff_ffff, 0x8000_0000_0000_0000, .max, .max - 1, UInt64(bytes.count),
      UInt64(bytes.count - 1),
      UInt64(bytes.count + 1), old &+ 1, old &- 1, old &* 2, old >> 1, ~old, 1 << (random.next() % bits),
      UInt64(random.below(bytes.count)),
    ]
    let value = random.element(of: edges)
    for index in 0..<size {
      bytes[place + index] = UInt8(
        truncatingIfNeeded: value >> (8 * UInt64(isBig ? size - 1 - index : index)))
    }
  }

  // MARK: Text

  /// A JSON text with one to four of its words (numbers, strings, names) replaced by others.
  mutating func mutatedWords(_ text: [UInt8]) -> [UInt8] {
    var text = text
    for _ in 0..<(1 + random.below(4)) {
      let words = Self.words(of: text)
      guard !words.isEmpty else { return text }
      let word = random.element(of: words)
      let isText = text[word.lowerBound] == UInt8(ascii: "\"")
      let replacement: [UInt8]
      switch random.below(4) {
      case 0: replacement = Array(text[random.element(of: words)])
      case 1 where isText: replacement = Array(random.element(of: Self.layerWords).utf8)
      case 2 where !isText:
        let small = ["0", "1", "2", "3", "-1", "5", "7", "31", "0.5", "1e-3"]
        replacement = Array(random.element(of: small).utf8)
      default: replacement = Array(random.element(of: Self.edgeWords).utf8)
      }
      text.replaceSubrange(word, with: replacement)
    }
    return text
  }

  private static let edgeWords = [
    "0", "-1", "1e308", "-1e308", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
    "1e19",
    "4294967296", "2147483648", "1099511627776", "1e-400", "0.1", "null", "true", "false", "[]", "{}", "\"\"",
    "[null]", "[0, 0]", "[1, 1]", "[[1, 1], [1, 1]]", "[-1, -1]", "[3, 3, 3]", "\"same\"", "\"valid\"",
  ]

  private static let layerWords = [
    "\"Conv2D\"", "\"DepthwiseConv2D\"", "\"SeparableConv2D\"", "\"Dense\"", "\"BatchNormalization\"",
    "\"Activation\"", "\"ReLU\"", "\"MaxPooling2D\"", "\"AveragePooling2D\"", "\"GlobalAveragePooling2D\"",
    "\"ZeroPadding2D\"", "\"Cropping2D\"", "\"Add\"", "\"Concatenate\"", "\"Multiply\"", "\"Flatten\"",
    "\"Reshape\"", "\"Permute\"", "\"Dropout\"", "\"InputLayer\"", "\"Functional\"", "\"Sequential\"",
    "\"Lambda\"", "\"relu\"", "\"softmax\"", "\"linear\"", "\"same\"", "\"valid\"", "\"causal\"",
    "\"channels_first\"", "\"float16\"", "\"UpSampling2D\"", "\"LeakyReLU\"", "\"PReLU\"",
    "\"Conv2DTranspose\"",
    "\"LayerNormalization\"", "\"Rescaling\"", "\"Normalization\"", "\"Resizing\"", "\"TFOpLambda\"",
  ]

  /// The ranges of all strings, numbers and literals.
  private static func words(of text: [UInt8]) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var position = 0
    while position < text.count {
      let start = position
      if text[position] == UInt8(ascii: "\"") {
        position += 1
        while position < text.count, text[position] != UInt8(ascii: "\"") {
          position += text[position] == UInt8(ascii: "\\") ? 2 : 1
        }
        position = min(position + 1, text.count)
        words.append(start..<position)
      } else if isWord(text[position]) {
        while position < text.count, isWord(text[position]) { position += 1 }
        words.append(start..<position)
      } else {
        position += 1
      }
    }
    return words
  }

  private static func isWord(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
      true
    default: false
    }
  }
}
