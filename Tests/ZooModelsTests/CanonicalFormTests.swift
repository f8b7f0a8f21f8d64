import Testing
import ZooGraph
import ZooTensor

@Suite struct CanonicalFormTests {
  /// Two writings of a strided layer on a 32x32 image.
  private func form(
    size: Int = 32, pad: Edges?, padding: Padding, pool: Bool = false, name: String = "a"
  ) throws -> CanonicalForm {
    var g = GraphBuilder()
    var x = g.add(.input(shape: [size, size, 4]))
    if let pad { x = g.add(.zeroPadding(pad), x) }
    x =
      pool
      ? g.add(name, .maxPooling(Pooling(window: Extent2D(3), strides: Extent2D(2), padding: padding)), x)
      : g.add(
        name,
        .depthwiseConvolution(
          DepthwiseConvolution(kernel: Extent2D(3), strides: Extent2D(2), padding: padding, useBias: false)),
        x)
    return try g.build(outputs: [x]).canonicalForm
  }

  @Test func zeroPaddingIsPartOfAConvolution() throws {
    let corner = Edges(top: 0, bottom: 1, left: 0, right: 1)
    #expect(try form(pad: corner, padding: .valid) == form(pad: nil, padding: .same, name: "b"))
    #expect(
      try form(size: 33, pad: Edges(all: 1), padding: .valid) == form(size: 33, pad: nil, padding: .same))
    #expect(try form(size: 33, pad: corner, padding: .valid) != form(size: 33, pad: nil, padding: .same))
    #expect(try form(pad: Edges(all: 1), padding: .valid) != form(pad: nil, padding: .same))
    #expect(try form(pad: nil, padding: .explicit(corner)) == form(pad: nil, padding: .same))
  }

  @Test func zeroPaddingIsNoPartOfPooling() throws {
    let corner = Edges(top: 0, bottom: 1, left: 0, right: 1)
    #expect(try form(pad: corner, padding: .valid, pool: true) != form(pad: nil, padding: .same, pool: true))
    #expect(
      try form(pad: nil, padding: .explicit(corner), pool: true) == form(pad: nil, padding: .same, pool: true)
    )
  }

  @Test func activationsAndVectorsInEitherWriting() throws {
    var a = GraphBuilder()
    let image = a.add(.input(shape: [1, 1, 6]))
    let inside = a.add(
      "c",
      .convolution(
        Convolution(
          filters: 3, kernel: Extent2D(1), strides: Extent2D(1), padding: .same, useBias: true,
          activation: .softmax)), image)
    let flat = a.add(.flatten, inside)
    let first = try a.build(outputs: [flat])
    var b = GraphBuilder()
    let input = b.add(.input(shape: [1, 1, 6]))
    let plain = b.add(
      "d",
      .convolution(
        Convolution(filters: 3, kernel: Extent2D(1), strides: Extent2D(1), padding: .valid, useBias: true)),
      b.add(.identity(layer: "Dropout"), input))
    let vector = b.add(.reshape(target: [3]), plain)
    let probabilities = b.add(.activation(.softmax), vector)
    let second = try b.build(outputs: [probabilities])
    #expect(first.canonicalForm == second.canonicalForm)
  }

  @Test func sumsInEitherOrder() throws {
    func sum(swapped: Bool, epsilon: Double = 1e-3) throws -> CanonicalForm {
      var g = GraphBuilder()
      let x = g.add(.input(shape: [2, 2, 4]))
      let a = g.add("a", .batchNormalization(BatchNormalization(epsilon: epsilon)), x)
      let b = g.add("b", .activation(.relu), x)
      let sum = swapped ? g.add(.add, b, a) : g.add(.add, a, b)
      return try g.build(outputs: [sum]).canonicalForm
    }
    #expect(try sum(swapped: false) == sum(swapped: true))
    #expect(try sum(swapped: false) != sum(swapped: false, epsilon: 1e-5))
  }
}
