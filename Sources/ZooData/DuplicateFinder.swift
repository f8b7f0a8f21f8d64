import ZooSystem

/// Finds pictures that are copies of others.
package enum DuplicateFinder {
  /// How two pictures are copies.
  package enum Kind: String, Sendable, Hashable {
    /// The same bytes, or files with the same pixels.
    case exact
    /// Saved again, resized, slightly cropped, recoloured a little.
    case near
    /// A near copy of the mirror image.
    case mirrored
  }

  /// Two pictures that are copies; the smaller index first.
  package struct Pair: Sendable, Hashable {
    package let first: Int
    package let second: Int
    package let kind: Kind

    package init(first: Int, second: Int, kind: Kind) {
      self.first = first
      self.second = second
      self.kind = kind
    }
  }

  /// The groups of copies, and the pairs that make them.
  ///
  /// Of equal pictures, each is paired with the first alone; near copies are looked for among the different ones. In a
  /// group of more than 50, not every pair is listed. Copies of copies are in one group.
  ///
  /// - Parameters:
  ///   - fingerprints: of each picture; nil for one that can't be decoded.
  ///   - contentHashes: of each picture's file.
  /// - Returns: a number for each picture, which those of its group share, counting from 0 in the order in which the
  ///   groups begin; and the pairs, sorted.
  /// - Throws: `ZooError` where the task is cancelled.
  package static func groups(
    fingerprints: [PictureFingerprint?], contentHashes: [XXH3Hasher.Digest]
  ) throws(ZooError) -> (groups: [Int], pairs: [Pair]) {
    precondition(fingerprints.count == contentHashes.count, "a fingerprint and a hash each")
    var union = Union(count: fingerprints.count)
    var pairs: [Pair] = []
    var different: [Int] = []
    var byContent: [XXH3Hasher.Digest: Int] = [:]
    var byPixels: [Pixels: Int] = [:]
    for index in fingerprints.indices {
      var twin = byContent[contentHashes[index]]
      if twin == nil { byContent[contentHashes[index]] = index }
      // Of one colour are also drawings whose transparency is lost: their pixels say nothing.
      if let print = fingerprints[index], !print.isFlat {
        let pixels = Pixels(hash: print.pixels, width: print.width, height: print.height)
        if twin == nil { twin = byPixels[pixels] }
        if byPixels[pixels] == nil { byPixels[pixels] = index }
      }
      if let twin {
        pairs.append(Pair(first: twin, second: index, kind: .exact))
        union.join(twin, index)
      } else if fingerprints[index]?.isFlat == false {
        different.append(index)
      }
    }

    var search = NearSearch(
      different.compactMap { fingerprints[$0] }, keys: different.map { contentHashes[$0] })
    for pair in try search.pairs(
      isSettled: { union.size(different[$0]) > 50 && union.areJoined(different[$0], different[$1]) },
      found: {
        union.join(different[$0], different[$1])
      })
    {
      let (a, b) = (different[pair.first], different[pair.second])
      pairs.append(Pair(first: min(a, b), second: max(a, b), kind: pair.kind))
    }

    var numbers: [Int: Int] = [:]
    let groups = fingerprints.indices.map { index in
      let root = union.root(index)
      if let number = numbers[root] { return number }
      numbers[root] = numbers.count
      return numbers.count - 1
    }
    pairs.sort { ($0.first, $0.second) < ($1.first, $1.second) }
    return (groups, pairs)
  }

  private struct Pixels: Hashable {
    let hash: XXH3Hasher.Digest
    let width: Int
    let height: Int
  }
}

/// Sets that are joined (union-find).
private struct Union {
  private var parents: [Int]
  private var sizes: [Int]

  init(count: Int) {
    parents = Array(0..<count)
    sizes = [Int](repeating: 1, count: count)
  }

  mutating func root(_ index: Int) -> Int {
    var index = index
    while parents[index] != index {
      parents[index] = parents[parents[index]]
      index = parents[index]
    }
    return index
  }

  mutating func join(_ first: Int, _ second: Int) {
    let (a, b) = (root(first), root(second))
    guard a != b else { return }
    let (large, small) = sizes[a] < sizes[b] ? (b, a) : (a, b)
    parents[small] = large
    sizes[large] += sizes[small]
  }

  mutating func size(_ index: Int) -> Int { sizes[root(index)] }
  mutating func areJoined(_ first: Int, _ second: Int) -> Bool { root(first) == root(second) }
}

/// Looks for pairs of similar fingerprints among many.
///
/// The hash is cut into four bands of 16 bits. Hashes that differ in at most 11 bits agree in one of the bands but for
/// two bits: looking up the 137 neighbours of each band finds all of them without comparing everything with everything.
private struct NearSearch {
  /// The most bits in which the hashes of copies differ.
  static let mostBits = 11
  /// The most entries of a bucket that are looked at: pictures that are nearly all alike would be compared with each
  /// other otherwise. Buckets are sorted by hash, so that the likeliest ones are.
  static let bucketLimit = 1024

  private let hashes: [UInt64]
  private let mirroredHashes: [UInt64]
  private let compared: [ComparedFingerprint]
  /// Indices sorted by hash and key: the search does not depend on the order of the list.
  private let order: [Int]

  init(_ fingerprints: [PictureFingerprint], keys: [XXH3Hasher.Digest]) {
    let all = fingerprints.map(\.hash)
    let sorted = all.indices.sorted {
      (all[$0], keys[$0].high, keys[$0].low) < (all[$1], keys[$1].high, keys[$1].low)
    }
    order = sorted
    hashes = sorted.map { all[$0] }
    mirroredHashes = sorted.map { fingerprints[$0].mirroredHash }
    compared = sorted.map { ComparedFingerprint(fingerprints[$0]) }
  }

  /// All pairs, by the indices of the list.
  mutating func pairs(
    isSettled: (Int, Int) -> Bool, found: (Int, Int) -> Void
  ) throws(ZooError) -> [DuplicateFinder.Pair] {
    var pairs: [DuplicateFinder.Pair] = []
    let flips = Self.flips
    for band in 0..<4 {
      let shift = UInt64(16 * band)
      // The places with each value of the band, one value after another.
      var starts = [Int32](repeating: 0, count: 65537)
      for hash in hashes { starts[Int(hash >> shift & 0xffff) + 1] += 1 }
      for value in 0..<65536 { starts[value + 1] += starts[value] }
      var places = [Int32](repeating: 0, count: hashes.count)
      var next = starts
      for (place, hash) in hashes.enumerated() {
        let value = Int(hash >> shift & 0xffff)
        places[Int(next[value])] = Int32(place)
        next[value] += 1
      }
      for place in hashes.indices {
        if place % 1024 == 0 { try Cancellation.check() }
        for isMirrored in [false, true] {
          let hash = isMirrored ? mirroredHashes[place] : hashes[place]
          let value = Int(hash >> shift & 0xffff)
          for flip in flips {
            let bucket = value ^ flip
            var at = Int(starts[bucket])
            let end = Int(starts[bucket + 1])
            guard at < end else { continue }
            if end - at > Self.bucketLimit { at = Self.start(of: places, at..<end, near: place) }
            for entry in at..<min(end, at + Self.bucketLimit) {
              let other = Int(places[entry])
              guard other < place else { break }
              let difference = hash ^ hashes[other]
              guard difference.nonzeroBitCount <= Self.mostBits, Self.isFirst(band, of: difference) else {
                continue
              }
              guard !isSettled(order[place], order[other]) else { continue }
              guard compared[place].isCopy(of: compared[other], isMirrored: isMirrored) else { continue }
              found(order[place], order[other])
              pairs.append(
                DuplicateFinder.Pair(
                  first: order[other], second: order[place], kind: isMirrored ? .mirrored : .near))
            }
          }
        }
      }
    }
    // Symmetrical pictures are copies both ways.
    var kinds: [[Int]: DuplicateFinder.Kind] = [:]
    for pair in pairs {
      let key = [min(pair.first, pair.second), max(pair.first, pair.second)]
      if kinds[key] != .near { kinds[key] = pair.kind }
    }
    return kinds.map { DuplicateFinder.Pair(first: $0.key[0], second: $0.key[1], kind: $0.value) }
  }

  /// Whether no band before this one finds the pair.
  private static func isFirst(_ band: Int, of difference: UInt64) -> Bool {
    for earlier in 0..<band where (difference >> UInt64(16 * earlier) & 0xffff).nonzeroBitCount <= 2 {
      return false
    }
    return true
  }

  /// Where in a long bucket to begin, so that the entries looked at end just before `place`.
  private static func start(of places: [Int32], _ range: Range<Int>, near place: Int) -> Int {
    var (low, high) = (range.lowerBound, range.upperBound)
    while low < high {
      let middle = (low + high) / 2
      if Int(places[middle]) < place { low = middle + 1 } else { high = middle }
    }
    return max(range.lowerBound, low - bucketLimit)
  }

  /// All numbers of 16 bits with at most two set.
  private static var flips: [Int] {
    var flips = [0]
    for first in 0..<16 {
      flips.append(1 << first)
      for second in 0..<first { flips.append(1 << first | 1 << second) }
    }
    return flips
  }
}
