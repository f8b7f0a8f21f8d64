import Foundation
import Testing
import ZooSystem
import ZooTensor
import ZooTestSupport

@Suite struct RoundingTests {
  /// A form and the shape of a tensor that has it.
  struct Case: CustomTestStringConvertible, Sendable {
    let form: QuantizedForm
    let shape: [Int]
    var testDescription: String { "\(form.kind.rawValue) of \(shape), group \(form.group ?? 0)" }
  }

  /// Even and odd counts; channels on the last axis, and in front of the inputs as transposed convolutions
  /// have them.
  private static func cases(_ kinds: [QuantizedForm.Kind]) -> [Case] {
    kinds.flatMap { kind in
      var cases: [Case] = []
      let groups = kind == .int8 ? [nil] : [nil, 32, 64, 128]
      for group in groups {
        for (inputs, channels) in [(1, 1), (7, 1), (33, 5), (64, 16), (129, 37), (300, 20)] {
          cases.append(
            Case(
              form: QuantizedForm(kind: kind, channels: channels, group: group), shape: [inputs, channels]))
        }
        cases.append(
          Case(form: QuantizedForm(kind: kind, channels: 5, inner: 7, group: group), shape: [3, 3, 5, 7]))
      }
      if kind == .int8 {
        cases.append(Case(form: QuantizedForm(kind: kind, channels: 1500), shape: [3, 1500]))
        cases.append(Case(form: QuantizedForm(kind: kind, channels: 3, inner: 700), shape: [2, 2, 3, 700]))
      }
      return cases
    }
  }

  private static func values(_ shape: [Int], seed: UInt64) -> [Float] {
    let random = CounterRandom(seed: seed)
    return (0..<shape.reduce(1, *)).map { index in
      // Few large values among many small ones, as weights are.
      let number = random.signed(2 * index)
      return Float(number * number * number * (1 + random.unit(2 * index + 1)))
    }
  }

  private static func rounding(_ values: [Float], _ test: Case) throws -> QuantizedTensor.Rounding {
    try QuantizedTensor.rounding(
      StoredTensor(shape: Shape(test.shape), values: values), to: test.form, name: "layer/kernel")
  }

  /// The place of the scale of each value, in row-major order of the values.
  private static func scalePlaces(_ test: Case) -> [Int] {
    let form = test.form
    let elements = test.shape.reduce(1, *)
    let groups = form.groups(elements: elements)
    return (0..<elements).map { index in
      let channel = index / form.inner % form.channels
      let input = index / (form.inner * form.channels) * form.inner + index % form.inner
      return channel * groups + (form.group.map { input / $0 } ?? 0)
    }
  }

  @Test("values are within half a scale of what codes of 8 bits stand for", arguments: cases([.int8]))
  func nearestCodes(test: Case) throws {
    let values = Self.values(test.shape, seed: 1)
    let rounding = try Self.rounding(values, test)
    let (scales, places) = (rounding.tensor.scales, Self.scalePlaces(test))
    let floats = rounding.tensor.floats()
    var largest: [Int: Float] = [:]
    for (index, value) in values.enumerated() {
      largest[places[index]] = max(largest[places[index]] ?? 0, abs(value))
      #expect(abs(value - floats[index]) <= scales[places[index]] * 0.500001)
    }
    for (place, value) in largest {
      #expect(scales[place] == value / 127 || scales[place] == (value / 127).nextUp)
    }
    // -128 must not occur.
    let codes = rounding.tensor.layout.codes
    #expect(rounding.tensor.bytes.withUnsafeBytes { !$0[codes].contains(0x80) })
  }

  @Test("4 bits: half a scale, or what lies beyond the codes", arguments: cases([.int4, .uint4]))
  func nearestCodesOfGroups(test: Case) throws {
    let values = Self.values(test.shape, seed: 2)
    let rounding = try Self.rounding(values, test)
    let (scales, places) = (rounding.tensor.scales, Self.scalePlaces(test))
    let floats = rounding.tensor.floats()
    var signs: Set<FloatingPointSign> = []
    for (index, value) in values.enumerated() {
      let scale = scales[places[index]]
      let code = value / scale
      // MLX moves its scale so that 0 is met, after which 15 of them may not span the group.
      let slack = test.form.kind == .int4 ? max(0, -8 - code, code - 7) : 0.6
      #expect(
        abs(value - floats[index]) <= abs(scale) * (0.5001 + slack) + abs(value) * 0x1p-11,
        "\(index): \(value)")
      signs.insert(scale.sign)
    }
    if scales.count > 20 { #expect(signs.count == 2) }
  }

  @Test("rounding what codes stand for changes nothing", arguments: cases([.int8, .int4]))
  func roundsOnce(test: Case) throws {
    for seed in 3..<23 as Range<UInt64> {
      let first = try Self.rounding(Self.values(test.shape, seed: seed), test)
      let second = try Self.rounding(first.tensor.floats(), test)
      #expect(
        second.tensor.bytes.withUnsafeBytes(Array.init) == first.tensor.bytes.withUnsafeBytes(Array.init))
      #expect(second.error.largest == 0 && second.error.rootMeanSquare == 0)
    }
  }

  /// The largest value decides of the scale: thousands of them, where a few are not met by dividing alone.
  @Test func scalesOfAllMantissasAreMet() throws {
    let random = CounterRandom(seed: 5)
    let channels = 100_000
    let test = Case(form: QuantizedForm(kind: .int8, channels: channels), shape: [1, channels])
    let first = try Self.rounding((0..<channels).map { Float(1 + random.unit($0)) }, test)
    let second = try Self.rounding(first.tensor.floats(), test)
    #expect(second.tensor.scales == first.tensor.scales)
  }

  @Test("what codes can hold is held", arguments: [QuantizedForm.Kind.int8, .int4])
  func exactValuesAreKept(kind: QuantizedForm.Kind) throws {
    let codes: [Float] = [-7, -3, 0, 1, 2, 7, 7, -1]
    for scale: Float in [1, 0.5, 0.125, -2, 0.0999755859375] {
      let test = Case(form: QuantizedForm(kind: kind, channels: 1), shape: [8, 1])
      let largest: Float = kind == .int8 ? 127 / 7 : 1
      let values = codes.map { ($0 * largest).rounded() * scale }
      #expect(try Self.rounding(values, test).tensor.floats() == values)
    }
  }

  @Test(
    "channels don't depend on each other, nor on the order of inputs",
    arguments: [QuantizedForm.Kind.int8, .int4])
  func order(kind: QuantizedForm.Kind) throws {
    let (inputs, channels) = (60, 24)
    let test = Case(form: QuantizedForm(kind: kind, channels: channels), shape: [inputs, channels])
    let values = Self.values(test.shape, seed: 6)
    func turned(_ values: [Float]) -> [Float] {
      values.indices.map { index in
        let (input, channel) = (index / channels, index % channels)
        return values[(inputs - 1 - input) * channels + (channel * 7) % channels]
      }
    }
    #expect(
      try Self.rounding(turned(values), test).tensor.floats()
        == turned(Self.rounding(values, test).tensor.floats()))
  }

  @Test("all axes hold the same values", arguments: [QuantizedForm.Kind.int8, .int4, .uint4])
  func axes(kind: QuantizedForm.Kind) throws {
    // (taps, channels, inner) against (taps, inner, channels).
    let (taps, channels, inner) = (3, 5, 7)
    let group: Int? = nil
    let between = Case(
      form: QuantizedForm(kind: kind, channels: channels, inner: inner, group: group),
      shape: [taps, channels, inner])
    let last = Case(
      form: QuantizedForm(kind: kind, channels: channels, group: group), shape: [taps * inner, channels])
    let values = Self.values(between.shape, seed: 7)
    func moved(_ values: [Float]) -> [Float] {
      values.indices.map { index in
        let (tap, place, channel) = (index / (inner * channels), index / channels % inner, index % channels)
        return values[(tap * channels + channel) * inner + place]
      }
    }
    let a = try Self.rounding(values, between)
    let b = try Self.rounding(moved(values), last)
    #expect(a.tensor.scales == b.tensor.scales && moved(a.tensor.floats()) == b.tensor.floats())
  }

  @Test(
    "zeros have the scale 1, and so have values that are nearly that",
    arguments: [QuantizedForm.Kind.int8, .int4])
  func zeros(kind: QuantizedForm.Kind) throws {
    let test = Case(form: QuantizedForm(kind: kind, channels: 4), shape: [6, 4])
    var values = [Float](repeating: 0, count: 24)
    for input in 0..<6 {
      values[input * 4 + 1] = .leastNonzeroMagnitude * Float(input)
      values[input * 4 + 2] = kind == .int8 ? .leastNormalMagnitude * Float(input) : 1e-30
      values[input * 4 + 3] = -Float(input)
    }
    let rounding = try Self.rounding(values, test)
    let scales = rounding.tensor.scales
    #expect(scales[0] == 1 && scales[1] == 1 && scales[3] == (kind == .int8 ? 5 / 127 : 1))
    #expect(scales[2] == (kind == .int8 ? .leastNormalMagnitude : 1))
    #expect(try Self.rounding(rounding.tensor.floats(), test).tensor.scales == scales)
  }

  @Test func theLargestNumbersStayFinite() throws {
    let test = Case(form: QuantizedForm(kind: .int8, channels: 1), shape: [2, 1])
    let rounding = try Self.rounding([.greatestFiniteMagnitude, -1e38], test)
    let floats = rounding.tensor.floats()
    #expect(floats.allSatisfy { $0.isFinite })
    let second = try Self.rounding(rounding.tensor.floats(), test)
    #expect(second.error.largest == 0)
  }

  @Test func noTensorIsTooSmall() throws {
    let empty = Case(form: QuantizedForm(kind: .int8, channels: 3), shape: [0, 3])
    let nothing = try Self.rounding([], empty)
    #expect(nothing.tensor.floats().isEmpty)
    let one = Case(form: QuantizedForm(kind: .int8, channels: 1), shape: [1, 1])
    #expect(try Self.rounding([-0.75], one).tensor.floats() == [-0.75])
  }

  @Test("the error is that of the values", arguments: cases([.int8, .int4, .uint4]))
  func errors(test: Case) throws {
    let values = Self.values(test.shape, seed: 8)
    let rounding = try Self.rounding(values, test)
    let differences = zip(values, rounding.tensor.floats()).map { Double($0) - Double($1) }
    let error = rounding.error
    let square = differences.reduce(0) { $0 + $1 * $1 } / Double(values.count)
    #expect(abs(error.largest - (differences.map(abs).max() ?? 0)) <= 1e-7)
    #expect(error.largestValue == Double(values.map(abs).max() ?? 0))
    #expect(abs(error.rootMeanSquare - square.squareRoot()) <= 1e-6 * error.largest + 1e-12)
  }

  /// A group's codes have less error than with the scale that its largest value alone gives.
  @Test func leastSquaresAreBetterThanTheLargestValue() throws {
    let test = Case(form: QuantizedForm(kind: .int4, channels: 64, group: 32), shape: [320, 64])
    let values = Self.values(test.shape, seed: 9)
    let found = try Self.rounding(values, test).error.rootMeanSquare
    let places = Self.scalePlaces(test)
    var extremes: [Int: Float] = [:]
    for (value, place) in zip(values, places) where abs(value) > abs(extremes[place] ?? 0) {
      extremes[place] = value
    }
    let square = zip(values, places).reduce(0.0) { sum, pair in
      let scale = (extremes[pair.1] ?? 0) / -8
      let difference = Double(pair.0 - min(max((pair.0 / scale).rounded(.toNearestOrEven), -8), 7) * scale)
      return sum + difference * difference
    }
    #expect(found < 0.95 * (square / Double(values.count)).squareRoot())
  }

  @Test("what is no finite number is refused by its place", arguments: QuantizedForm.Kind.allCases)
  func faults(kind: QuantizedForm.Kind) throws {
    for value: Float in [.nan, .infinity, -.infinity] {
      for place in [0, 37, 47] {
        let test = Case(form: QuantizedForm(kind: kind, channels: 6), shape: [8, 6])
        var values = Self.values(test.shape, seed: 10)
        values[place] = value
        let error = #expect(throws: ZooError.self) { try Self.rounding(values, test) }
        #expect(error?.code == .unsuitable && error?.location == "layer/kernel")
        #expect(error?.why.contains("value \(place), ") == true, "\(error as Any)")
        #expect(error?.why.contains(value.isNaN ? "not a number" : "infinite") == true)
      }
    }
  }

  @Test func whatScalesCannotReachIsRefused() throws {
    for kind in [QuantizedForm.Kind.int4, .uint4] {
      let test = Case(form: QuantizedForm(kind: kind, channels: 2, group: 32), shape: [64, 2])
      var values = Self.values(test.shape, seed: 11)
      values[99] = 1e7
      let error = #expect(throws: ZooError.self) { try Self.rounding(values, test) }
      #expect(error?.why.contains("channel 1") == true, "\(error as Any)")
    }
    let wrong = Case(form: QuantizedForm(kind: .int8, channels: 5), shape: [6])
    #expect(throws: ZooError.self) { try Self.rounding(Self.values([6], seed: 1), wrong) }
  }

  @Test func otherTypesAreRoundedAsTheirValues() throws {
    let values = Self.values([40, 3], seed: 12)
    let halves = Float.float16Bits(of: values)
    let tensor = try #require(
      StoredTensor(shape: [40, 3], elementType: .float16, bytes: ByteSlice(HeapBytes(halves))))
    let form = QuantizedForm(kind: .int8, channels: 3)
    let test = Case(form: form, shape: [40, 3])
    #expect(
      try QuantizedTensor.rounding(tensor, to: form, name: "").tensor.floats()
        == Self.rounding(Float.roundedToFloat16(values), test).tensor.floats())
  }
}

/// What MLX made of the same weights: `Fixtures/precisions/make_mlx_quantized.py`.
@Suite struct MLXGoldenTests {
  private struct Golden: Decodable {
    let channels: Int
    let inputs: Int
    let group: Int
    let weights: String
    let codes: String
    let scales: String
    let minima: String
  }

  private static func bytes(_ hexadecimal: String) -> [UInt8] {
    let digits = Array(hexadecimal)
    return stride(from: 0, to: digits.count, by: 2).compactMap {
      UInt8(String(digits[$0...$0 + 1]), radix: 16)
    }
  }

  @Test func codesScalesAndMinimaAreThose() throws {
    let data = try Data(contentsOf: URL(filePath: fixture("precisions/mlx_quantized.json")))
    let golden = try JSONDecoder().decode(Golden.self, from: data)
    let rows = try #require(
      StoredTensor(
        shape: [golden.channels, golden.inputs], elementType: .float16,
        bytes: ByteSlice(HeapBytes(Self.bytes(golden.weights))))
    ).floats()
    // Ours are (inputs, channels).
    let values = (0..<rows.count).map {
      rows[$0 % golden.channels * golden.inputs + $0 / golden.channels]
    }
    let form = QuantizedForm(kind: .uint4, channels: golden.channels, group: golden.group)
    let tensor = try QuantizedTensor.rounding(
      StoredTensor(shape: [golden.inputs, golden.channels], values: values), to: form, name: ""
    ).tensor
    tensor.bytes.withUnsafeBytes { bytes in
      #expect(Array(bytes[tensor.layout.scales]) == Self.bytes(golden.scales))
      #expect(Array(bytes[tensor.layout.minima]) == Self.bytes(golden.minima))
      #expect(Array(bytes[tensor.layout.codes]) == Self.bytes(golden.codes))
    }
    #expect(tensor.scales.contains { $0 < 0 } && tensor.scales.contains { $0 > 0 })
  }
}

@Suite struct BFloat16BitsTests {
  @Test func roundsToTheNearest() {
    for bits in stride(from: UInt16(0), to: 0x7f80, by: 7) {
      let (low, high) = (Float(bfloat16Bits: bits), Float(bfloat16Bits: bits + 1))
      let middle = Float(bitPattern: low.bitPattern + 0x8000)
      #expect(low.bfloat16Bits == bits && (-low).bfloat16Bits == bits | 0x8000)
      #expect(middle.nextDown.bfloat16Bits == bits && middle.nextUp.bfloat16Bits == bits + 1)
      #expect(middle.bfloat16Bits == bits + (bits & 1))
      #expect(high.bfloat16Bits == bits + 1)
    }
    #expect(Float.greatestFiniteMagnitude.bfloat16Bits == 0x7f80)
    #expect(Float(bfloat16Bits: Float(bitPattern: 0x7f80_0001).bfloat16Bits).isNaN)
  }
}
