import Foundation
import Testing
import ZooFetch
import ZooSystem

/// Whatever goes wrong in whatever order, the outcome is the right file or a typed error, never a wrong file.
@Suite struct FaultSequenceTests {
  /// Random numbers by a seed.
  private struct Dice {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ z >> 30) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ z >> 27) &* 0x94d0_49bb_1331_11eb
      return z ^ z >> 31
    }
    mutating func roll(_ count: Int) -> Int { Int(next() % UInt64(count)) }
  }

  /// An answer with a random fault, or none.
  private static func answer(
    _ request: TransportRequest, seed: UInt64, versions: [[UInt8]], isHashKnown: Bool
  ) -> ScriptedWeb.Answer {
    var dice = Dice(state: seed)
    // Without a hash, only the server's tags keep the parts of two versions apart.
    let version = dice.roll(isHashKnown ? 6 : 2) == 0 ? 1 : 0
    let tag: String? = dice.roll(isHashKnown ? 5 : 2) == 0 ? nil : "\"\(version)\""
    var file = ServedFile(bytes: versions[version], tag: tag)
    if dice.roll(6) == 0 { file.knowsRanges = false }
    var answer = file.answer(request)
    answer.step = 1 + dice.roll(50_000)
    switch dice.roll(16) {
    case 0...2: break
    case 3...6: answer.cut = dice.roll(answer.bytes.count + 1)
    case 7: return ScriptedWeb.Answer(status: [408, 429, 500, 503][dice.roll(4)])
    case 8: return .failing([.cut("x"), .unreachable("x")][dice.roll(2)])
    case 9: answer.headers["content-encoding"] = "gzip"
    case 10:
      return ScriptedWeb.Answer(status: 416, headers: ["content-range": "bytes */\(dice.roll(99_999))"])
    case 11: return .redirect(to: ["/x", "https://elsewhere.example/", "file:///x"][dice.roll(3)])
    case 12: return ScriptedWeb.Answer(status: [404, 401, 204, 304][dice.roll(4)])
    case 13:
      if answer.status == 206 { answer.headers["content-range"] = "bytes \(dice.roll(99_999))-99999/100000" }
    // The rest goes unseen where nothing is known of the bytes.
    case 14 where isHashKnown:
      if !answer.bytes.isEmpty { answer.bytes[dice.roll(answer.bytes.count)] ^= 1 }
    case 15 where isHashKnown:
      answer.headers["content-length"] = nil
      answer.bytes = Array(answer.bytes.prefix(dice.roll(answer.bytes.count + 1)))
    default: answer.headers["content-length"] = nil
    }
    return answer
  }

  /// What may happen to the files between two runs.
  private static func meddle(_ shop: Workshop, _ dice: inout Dice) throws {
    let files = shop.downloads.filter { !$0.hasSuffix(".lock") }
    guard !files.isEmpty, dice.roll(2) == 0 else { return }
    let path = files[dice.roll(files.count)]
    var bytes = try shop.read(path)
    switch dice.roll(4) {
    case 0: bytes = Array(bytes.prefix(dice.roll(bytes.count + 1)))
    case 1: bytes += noise(dice.roll(1000) + 1, seed: dice.next())
    case 2: if !bytes.isEmpty { bytes[dice.roll(bytes.count)] ^= 1 }
    default:
      try FileManager.default.removeItem(atPath: path)
      return
    }
    try shop.write(bytes, path)
  }

  @Test(arguments: 0..<200)
  func theOutcomeIsRightOrTyped(seed: Int) async throws {
    let shop = try Workshop()
    var dice = Dice(state: UInt64(seed))
    let isHashKnown = dice.roll(3) > 0
    // Lengths on both sides of that at which a record is written.
    let right = noise([0, 1, 3000, 50_000, 200_000, 1_100_000][dice.roll(6)], seed: UInt64(seed) + 1000)
    let other = noise(right.count + dice.roll(2), seed: UInt64(seed) + 5000)
    let download = try published(
      right, hash: dice.roll(2) == 0 ? .md5(md5(right)) : nil, isHashKnown: isHashKnown,
      knowsLength: dice.roll(2) == 0)
    for run in 0..<4 {
      let salt = dice.next()
      let web = ScriptedWeb { request, index in
        Self.answer(
          request, seed: salt &+ UInt64(index) &* 7919, versions: [right, other], isHashKnown: isHashKnown)
      }
      do throws(ZooError) {
        let file = try await shop.fetch(download, from: web)
        let bytes = try ZooError.wrap { try shop.read(file.path) }
        #expect(bytes == right || (!isHashKnown && bytes == other), "run \(run)")
        #expect(file.sha256 == sha256(bytes) && file.md5 == md5(bytes) && file.bytes == bytes.count)
      } catch {
        let codes: [ZooError.Code] = [.cannotOpen, .unreadable, .damaged, .unsupported]
        #expect(codes.contains(error.code), "run \(run): \(error)")
      }
      #expect(web.requests.allSatisfy { $0.address.host == "files.example" })
      // With a hash, a file of that name is the right one.
      if isHashKnown, let path = shop.download("/net.h5") { #expect(try shop.read(path) == right) }
      try Self.meddle(shop, &dice)
      if isHashKnown, let path = shop.download("/net.h5"), try shop.read(path) != right {
        // Nothing replaces a damaged file but the right one; the next run has to see that it is damaged.
        let offline = await #expect(throws: ZooError.self) {
          try await shop.fetch(download, from: web) { $0.isOffline = true }
        }
        #expect(offline?.code == .cannotOpen)
        try FileManager.default.removeItem(atPath: path)
      }
    }
    let sound = ScriptedWeb { request, _ in ServedFile(bytes: right, tag: nil).answer(request) }
    let file = try await shop.fetch(download, from: sound)
    let bytes = try shop.read(file.path)
    #expect(bytes == right || (!isHashKnown && bytes == other))
  }
}
