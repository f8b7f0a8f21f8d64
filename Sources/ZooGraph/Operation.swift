import ZooSystem
import ZooTensor

/// What a node of a ``Graph`` computes. One node is one call of a Keras layer; a layer that no single
/// operation computes is several nodes, of which the last has its name.
///
/// Images are (H, W, C) per example. No payload has defaults for what frameworks disagree on
/// (epsilon, padding, strides): a definition always states them.
package enum Operation: Hashable, Sendable {
  /// What enters the network; the shape of one example.
  case input(shape: [Int])
  case convolution(Convolution)
  case depthwiseConvolution(DepthwiseConvolution)
  /// A depthwise convolution and a 1x1 convolution after it, in one layer.
  case separableConvolution(SeparableConvolution)
  case transposedConvolution(TransposedConvolution)
  case dense(Dense)
  case batchNormalization(BatchNormalization)
  case layerNormalization(LayerNormalization)
  /// By a mean and a variance that are weights.
  case normalization(Normalization)
  /// By constants.
  case rescaling(Rescaling)
  /// Times a weight per channel (last axis): gamma.
  case layerScale
  /// Per channel (last axis): x times a gamma plus a beta, as far as there are such weights.
  case channelAffine(ChannelAffine)
  case activation(Activation)
  /// x where it is positive, else alpha * x. Alpha is a weight of the input's shape, with the extent 1 on
  /// the axes `sharedAxes`, which count from 0 and ascend.
  case prelu(sharedAxes: [Int])
  case maxPooling(Pooling)
  /// The mean over the part of the window that lies on the input: padding is not counted.
  case averagePooling(Pooling)
  /// The mean over all pixels: (H, W, C) to (C), or to (1, 1, C) with `keepDimensions`.
  case globalAveragePooling(keepDimensions: Bool)
  /// The maximum over all pixels: (H, W, C) to (C), or to (1, 1, C) with `keepDimensions`.
  case globalMaxPooling(keepDimensions: Bool)
  case zeroPadding(Edges)
  case cropping(Edges)
  /// An image sampled at another size.
  case resize(Resize)
  /// Two or more inputs, value by value.
  case merge(Merge)
  /// Joins two or more inputs along the last axis (channels).
  case concatenate
  /// All values of an example as one vector, in row-major order.
  case flatten
  /// The same values in row-major order with another shape.
  case reshape(target: [Int])
  /// Axis i of the output is axis `order[i]` of the input, both counted from 0.
  case permute(order: [Int])
  /// Nothing at inference: dropout and its like. `layer` is the class it stands for.
  case identity(layer: String)

  /// The sum of two or more inputs.
  package static let add = Operation.merge(.add)
}

// MARK: Payloads

extension Operation {
  /// What the graph knows about this kind of operation.
  var payload: any OperationPayload {
    switch self {
    case .input(let shape): Input(shape: shape)
    case .convolution(let convolution): convolution
    case .depthwiseConvolution(let convolution): convolution
    case .separableConvolution(let convolution): convolution
    case .transposedConvolution(let convolution): convolution
    case .dense(let dense): dense
    case .batchNormalization(let normalization): normalization
    case .layerNormalization(let normalization): normalization
    case .normalization(let normalization): normalization
    case .rescaling(let rescaling): rescaling
    case .layerScale: LayerScale()
    case .channelAffine(let affine): affine
    case .activation(let activation): activation
    case .prelu(let sharedAxes): PReLU(sharedAxes: sharedAxes)
    case .maxPooling(let pooling): MaxPooling(pooling: pooling)
    case .averagePooling(let pooling): AveragePooling(pooling: pooling)
    case .globalAveragePooling(let keepDimensions): GlobalAveragePooling(keepDimensions: keepDimensions)
    case .globalMaxPooling(let keepDimensions): GlobalMaxPooling(keepDimensions: keepDimensions)
    case .zeroPadding(let edges): ZeroPadding(edges: edges)
    case .cropping(let edges): Cropping(edges: edges)
    case .resize(let resize): resize
    case .merge(let merge): merge
    case .concatenate: Concatenation()
    case .flatten: Flatten()
    case .reshape(let target): Reshape(target: target)
    case .permute(let order): Permute(order: order)
    case .identity(let layer): Identity(layer: layer)
    }
  }

  /// The types of all payloads; ``payload`` returns no other.
  private static let payloadTypes: [any OperationPayload.Type] = [
    Input.self, Convolution.self, DepthwiseConvolution.self, SeparableConvolution.self,
    TransposedConvolution.self, Dense.self, BatchNormalization.self, LayerNormalization.self,
    Normalization.self, Rescaling.self, LayerScale.self, ChannelAffine.self, Activation.self, PReLU.self,
    MaxPooling.self,
    AveragePooling.self, GlobalAveragePooling.self, GlobalMaxPooling.self, ZeroPadding.self, Cropping.self,
    Resize.self, Merge.self, Concatenation.self, Flatten.self, Reshape.self, Permute.self, Identity.self,
  ]

  private static let payloadTypesByKind: [String: any OperationPayload.Type] = Dictionary(
    uniqueKeysWithValues: payloadTypes.flatMap { type in type.kinds.map { ($0, type) } })
}

// MARK: As a name and named values

/// An operation as a name and named values, for files and for people; the names are Keras' in snake case.
///
/// Every payload states every attribute, so that no reader needs defaults.
extension Operation {
  /// The names of all kinds of operation.
  package static let kinds: Set<String> = Set(payloadTypesByKind.keys)

  /// The name of this kind of operation, for example `batch_normalization`.
  package var kind: String { payload.kind }

  /// All parameters of the operation; extents are [height, width], edges [top, bottom, left, right].
  package var attributes: [(String, AttributeValue)] { payload.attributes }

  /// The operation of these names and values.
  ///
  /// Throws, naming `layer`, where the kind is unknown or an attribute is missing, unknown, given twice
  /// or of the wrong type. Whether the values make sense is checked when a ``Graph`` is made of it.
  package init(
    kind: String, attributes: [(String, AttributeValue)], layer: String
  ) throws(ZooError) {
    var fields = try AttributeFields(attributes, kind: kind, layer: layer)
    guard let type = Operation.payloadTypesByKind[kind] else {
      throw ZooError.invalidNetwork(layer: layer, "its kind '\(kind)' is unknown")
    }
    self = try type.init(from: &fields).operation
    try fields.checkAllUsed()
  }

  /// The Keras class in snake case, as automatic layer names and Keras 3's weight store write it.
  ///
  /// Keras has several classes for one activation: a bounded or leaky ReLU is taken for `ReLU`, every
  /// other for `Activation`. Neither has weights, so the difference never moves a weight.
  package var kerasClassName: String { payload.kerasClassName }
}

// MARK: Weights

extension Operation {
  /// Whether this kind of operation can have weights.
  package var hasWeights: Bool { type(of: payload).hasWeights }

  /// The weights that this operation needs for one input of the given shape, in Keras' order.
  ///
  /// Throws where a weight would have more elements than any tensor may have.
  func weights(of layer: String, input: Shape) throws(ZooError) -> [WeightSlot] {
    var slots: [WeightSlot] = []
    for (role, extents) in payload.weights(for: input) {
      guard let shape = Shape(checking: extents) else {
        throw ZooError.invalidNetwork(layer: layer, "its \(role.rawValue) would have the shape \(extents)")
      }
      slots.append(WeightSlot(layer: layer, role: role, shape: shape))
    }
    return slots
  }
}
