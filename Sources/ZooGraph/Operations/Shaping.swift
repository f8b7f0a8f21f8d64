import ZooSystem
import ZooTensor

// MARK: Inputs and layers that do nothing

extension Operation {
  struct Input: OperationPayload {
    static let kinds = ["input"]
    let shape: [Int]
    var operation: Operation { .input(shape: shape) }
    var kerasClassName: String { "input_layer" }
    var attributes: [(String, AttributeValue)] { [("shape", .ints(shape))] }
    var arity: ClosedRange<Int> { 0...0 }

    func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
      guard shape.allSatisfy({ $0 > 0 }) else {
        throw inputs.invalid("input shape \(shape) has an axis that is not positive")
      }
      return try inputs.shape(shape)
    }
  }

  struct Identity: OperationPayload {
    static let kinds = ["identity"]
    let layer: String
    var operation: Operation { .identity(layer: layer) }
    var kerasClassName: String { kerasSnakeCase(layer) }
    var attributes: [(String, AttributeValue)] { [("layer", .string(layer))] }

    func outputShape(_ inputs: LayerInputs) -> Shape { inputs.first }
  }
}

extension Operation.Input {
  init(from fields: inout AttributeFields) throws(ZooError) { self.init(shape: try fields.ints("shape")) }
}

extension Operation.Identity {
  init(from fields: inout AttributeFields) throws(ZooError) { self.init(layer: try fields.string("layer")) }
}

// MARK: Edges

extension Operation {
  struct ZeroPadding: OperationPayload {
    static let kinds = ["zero_padding"]
    let edges: Edges
    var operation: Operation { .zeroPadding(edges) }
    var kerasClassName: String { "zero_padding2d" }
    var attributes: [(String, AttributeValue)] { [("edges", .edges(edges))] }

    func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
      let (height, width, channels) = try inputs.image()
      try inputs.check(edges)
      return try inputs.shape([
        height + edges.top + edges.bottom, width + edges.left + edges.right, channels,
      ])
    }
  }

  struct Cropping: OperationPayload {
    static let kinds = ["cropping"]
    let edges: Edges
    var operation: Operation { .cropping(edges) }
    var kerasClassName: String { "cropping2d" }
    var attributes: [(String, AttributeValue)] { [("edges", .edges(edges))] }

    func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
      let (height, width, channels) = try inputs.image()
      try inputs.check(edges)
      return try inputs.shape([
        height - edges.top - edges.bottom, width - edges.left - edges.right, channels,
      ])
    }
  }
}

extension Operation.ZeroPadding {
  init(from fields: inout AttributeFields) throws(ZooError) { self.init(edges: try fields.edges("edges")) }
}

extension Operation.Cropping {
  init(from fields: inout AttributeFields) throws(ZooError) { self.init(edges: try fields.edges("edges")) }
}

// MARK: The same values in another shape

extension Operation {
  struct Flatten: EmptyPayload {
    static let kinds = ["flatten"]
    var operation: Operation { .flatten }
    var kerasClassName: String { "flatten" }

    func outputShape(_ inputs: LayerInputs) -> Shape { [inputs.first.elementCount] }
  }

  struct Reshape: OperationPayload {
    static let kinds = ["reshape"]
    let target: [Int]
    var operation: Operation { .reshape(target: target) }
    var kerasClassName: String { "reshape" }
    var attributes: [(String, AttributeValue)] { [("target", .ints(target))] }

    func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
      let shape = try inputs.shape(target)
      guard shape.elementCount == inputs.first.elementCount else {
        throw inputs.invalid("\(inputs.first) can't be reshaped to \(shape)")
      }
      return shape
    }
  }

  struct Permute: OperationPayload {
    static let kinds = ["permute"]
    let order: [Int]
    var operation: Operation { .permute(order: order) }
    var kerasClassName: String { "permute" }
    var attributes: [(String, AttributeValue)] { [("order", .ints(order))] }

    func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
      guard order.sorted() == Array(inputs.first.dimensions.indices) else {
        throw inputs.invalid("\(order) is not an order of the axes of \(inputs.first)")
      }
      return try inputs.shape(order.map { inputs.first[$0] })
    }
  }
}

extension Operation.Reshape {
  init(from fields: inout AttributeFields) throws(ZooError) { self.init(target: try fields.ints("target")) }
}

extension Operation.Permute {
  init(from fields: inout AttributeFields) throws(ZooError) { self.init(order: try fields.ints("order")) }
}
