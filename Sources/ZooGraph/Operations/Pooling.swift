import ZooSystem
import ZooTensor

/// The window and strides of a pooling layer.
package struct Pooling: Hashable, Sendable {
  package var window: Extent2D
  package var strides: Extent2D
  package var padding: Padding

  package init(window: Extent2D, strides: Extent2D, padding: Padding) {
    self.window = window
    self.strides = strides
    self.padding = padding
  }
}

// MARK: Pooling by windows

/// What max and average pooling have in common.
protocol PoolingPayload: OperationPayload {
  var pooling: Pooling { get }
  init(pooling: Pooling)
}

extension PoolingPayload {
  var attributes: [(String, AttributeValue)] {
    [
      ("pool_size", .extent(pooling.window)), ("strides", .extent(pooling.strides)),
      ("padding", .padding(pooling.padding)),
    ]
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(
      pooling: Pooling(
        window: try fields.extent("pool_size"), strides: try fields.extent("strides"),
        padding: try fields.padding()))
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    let channels = try inputs.image().channels
    let size = try inputs.windows(pooling.window, strides: pooling.strides, padding: pooling.padding)
    return try inputs.shape([size.height, size.width, channels])
  }
}

extension Operation {
  struct MaxPooling: PoolingPayload {
    static let kinds = ["max_pooling"]
    let pooling: Pooling
    var operation: Operation { .maxPooling(pooling) }
    var kerasClassName: String { "max_pooling2d" }
  }

  struct AveragePooling: PoolingPayload {
    static let kinds = ["average_pooling"]
    let pooling: Pooling
    var operation: Operation { .averagePooling(pooling) }
    var kerasClassName: String { "average_pooling2d" }
  }
}

// MARK: Pooling of whole images

/// What global max and average pooling have in common.
protocol GlobalPoolingPayload: OperationPayload {
  var keepDimensions: Bool { get }
  init(keepDimensions: Bool)
}

extension GlobalPoolingPayload {
  var attributes: [(String, AttributeValue)] { [("keep_dimensions", .bool(keepDimensions))] }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(keepDimensions: try fields.bool("keep_dimensions"))
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    let channels = try inputs.image().channels
    return keepDimensions ? [1, 1, channels] : [channels]
  }
}

extension Operation {
  struct GlobalMaxPooling: GlobalPoolingPayload {
    static let kinds = ["global_max_pooling"]
    let keepDimensions: Bool
    var operation: Operation { .globalMaxPooling(keepDimensions: keepDimensions) }
    var kerasClassName: String { "global_max_pooling2d" }
  }

  struct GlobalAveragePooling: GlobalPoolingPayload {
    static let kinds = ["global_average_pooling"]
    let keepDimensions: Bool
    var operation: Operation { .globalAveragePooling(keepDimensions: keepDimensions) }
    var kerasClassName: String { "global_average_pooling2d" }
  }
}
