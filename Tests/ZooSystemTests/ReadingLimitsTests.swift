import Testing
import ZooSystem

@Suite struct ReadingLimitsTests {
  @Test func areReadAndWritten() throws {
    let limits = try #require(ReadingLimits(changes: "tensors=3,text=2M,expansion=1G"))
    #expect(limits.tensors == 3 && limits.text == 2 << 20 && limits.expansion == 1 << 30)
    #expect(limits.pixels == ReadingLimits().pixels)
    #expect(ReadingLimits(changes: limits.changes) == limits)
    #expect(ReadingLimits(changes: "") == ReadingLimits())
    #expect(ReadingLimits.current == ReadingLimits())
  }

  @Test(arguments: [
    "tensor=3", "tensors", "tensors=0", "tensors=-1", "tensors=1T", "tensors=9999999999G", "=1",
  ])
  func refusesWhatIsNone(text: String) { #expect(ReadingLimits(changes: text) == nil) }

  @Test func timeGrowsWithTheFile() {
    var limits = ReadingLimits()
    #expect(limits.seconds(forBytes: 0) == 1)
    #expect(limits.seconds(forBytes: 4 << 20) == 1)
    #expect(limits.seconds(forBytes: (4 << 20) + 1) == 2)
    #expect(limits.seconds(forBytes: 1 << 40) == 20)
    limits.seconds = 1
    #expect(limits.seconds(forBytes: 1 << 40) == 1)
    limits.seconds = 400
    #expect(limits.seconds(forBytes: 100) == 20)
    limits.seconds = .max
    #expect(limits.seconds(forBytes: 1 << 40) == .max)
  }
}
