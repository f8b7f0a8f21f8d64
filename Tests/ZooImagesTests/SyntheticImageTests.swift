import Testing
import ZooImages
import ZooTensor

@Suite struct SyntheticImageTests {
  @Test func knownBits() {
    #expect(checksum(deadLeaves(height: 224, width: 224, seed: 1).pixels) == 6_771_683_259_590_838_984)
    #expect(checksum(deadLeaves(height: 33, width: 50, seed: 2).pixels) == 2_799_184_191_184_298_555)
  }

  @Test func theSequenceIsSplitMix64() {
    // SplitMix64 from the seed 0 begins with E220A8397B1DCDAF, from which these two follow.
    let random = CounterRandom(seed: 0)
    #expect(random[0] == 0xA706_DD2F_4D19_7E6F)
    #expect(random[1] == 0xB382_A305_F441_4F5E)
    #expect((0..<1000).allSatisfy { (0..<1).contains(random.unit($0)) })
    #expect((0..<1000).allSatisfy { (-1..<1).contains(random.signed($0)) })
  }

  @Test func imagesDependOnTheirSeedAlone() {
    let forth = (0..<4).map { deadLeaves(height: 40, width: 30, seed: $0) }
    let back = (0..<4).reversed().map { deadLeaves(height: 40, width: 30, seed: $0) }
    #expect(forth == back.reversed())
    #expect(Set(forth.map { checksum($0.pixels) }).count == 4)
  }

  @Test(arguments: [(1, 1), (1, 7), (64, 3)]) func anySize(_ height: Int, _ width: Int) {
    let image = deadLeaves(height: height, width: width, seed: 5)
    #expect(image.height == height && image.width == width)
  }

  @Test func aNaturalRangeOfBrightness() {
    let pixels = (0..<4).flatMap { deadLeaves(height: 96, width: 96, seed: $0).pixels.map(Double.init) }
    let mean = pixels.reduce(0, +) / Double(pixels.count)
    let variance = pixels.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(pixels.count)
    #expect((95...135).contains(mean))
    #expect((45...80).contains(variance.squareRoot()))
  }
}
