import Testing
import ZooTestSupport

/// The known answers of Fixtures/full_size/GENERATOR.md, which the Python script gives too.
@Suite struct CounterGeneratorTests {
  @Test(
    arguments: [
      ("input", [0x190a_9f76_a9bd_8bf6, 0xa701_17d0_9cb2_bc5b]),
      ("conv1/kernel", [0xfa0d_2c1c_70fe_50f5, 0x9b8b_0ac3_e9de_dea3]),
      ("bn/gamma", [0xbff1_3d01_f293_cf19, 0x413f_cf82_7d5b_faca]),
    ] as [(String, [UInt64])])
  func bits(name: String, expected: [UInt64]) {
    let generator = CounterGenerator(name: name)
    #expect([generator.bits(at: 0), generator.bits(at: 1)] == expected)
  }

  @Test func inputIsUniform() {
    let values = CounterGenerator(name: "input").values(count: 2)
    #expect(values.map(\.bitPattern) == [0xbf4d_eac2, 0x3e9c_045c])
  }

  @Test(
    arguments: [
      ("conv1", "kernel", [3, 3, 3, 2], 0, [0x3ee6_2476, 0x3dcf_be44]),
      ("bn", "gamma", [2], 0, [0x3f9f_f89e, 0x3f41_3fcf]),
      ("bn", "moving_variance", [2], -3, [0x3ca5_a3c7, 0x3c0c_4ae3]),
    ] as [(String, String, [Int], Int, [UInt32])])
  func weights(layer: String, role: String, shape: [Int], exponent: Int, expected: [UInt32]) throws {
    let values = try #require(
      CounterGenerator.weight(layer: layer, role: role, shape: shape, exponent: exponent))
    #expect(values.count == shape.reduce(1, *))
    #expect(values.prefix(2).map(\.bitPattern) == expected)
  }

  @Test func anUnknownRoleHasNoValues() {
    #expect(CounterGenerator.weight(layer: "conv1", role: "momentum", shape: [2]) == nil)
  }

  @Test func positionsLieInTheArray() {
    let positions = CounterGenerator(name: "sample/conv1").positions(count: 4, size: 12345)
    #expect(positions == [7137, 3734, 1295, 12234])
  }
}
