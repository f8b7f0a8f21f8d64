import ZooGraph
import ZooSystem
import ZooTensor

/// One node of a layer that may need several; the last one is the layer.
struct KerasStep {
  enum Source {
    /// What the layer is given.
    case input(Int)
    /// An earlier step of the layer.
    case step(Int)
  }

  let operation: Operation
  let sources: [Source]

  init(_ operation: Operation, _ sources: [Source]) {
    self.operation = operation
    self.sources = sources
  }
}

extension KerasLayer {
  /// An operation on the last axis, made to work on another one: the axes are exchanged before and after.
  ///
  /// - Parameters:
  ///   - axis: counted from 0 for one example.
  ///   - rank: the number of axes of one example.
  func steps(
    _ operation: Operation, onAxis axis: Int, rank: Int, inputs: Int
  ) -> [KerasStep] {
    guard axis != rank - 1 else { return [KerasStep(operation, (0..<inputs).map { .input($0) })] }
    var order = Array(0..<rank)
    order.swapAt(axis, rank - 1)
    return (0..<inputs).map { KerasStep(.permute(order: order), [.input($0)]) }
      + [
        KerasStep(operation, (0..<inputs).map { .step($0) }),
        KerasStep(.permute(order: order), [.step(inputs)]),
      ]
  }

  /// The shape of an input. A layer further up that could not be read leaves it open.
  func shape(_ inputs: [Shape?], _ index: Int = 0) throws(ZooError) -> Shape {
    guard index < inputs.count, let shape = inputs[index] else {
      throw malformed(name, "the shape of its input is unknown")
    }
    return shape
  }

  /// The height and width of an image that a layer reads.
  func imageSize(_ inputs: [Shape?]) throws(ZooError) -> Extent2D {
    let shape = try shape(inputs)
    guard shape.rank == 3 else { throw malformed(name, "its input is \(shape), but it needs an image") }
    return Extent2D(shape[0], shape[1])
  }
}
