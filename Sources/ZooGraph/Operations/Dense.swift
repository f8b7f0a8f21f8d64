import ZooSystem
import ZooTensor

/// A matrix product over the last axis; the kernel is (inputs, units).
package struct Dense: Hashable, Sendable {
  package var units: Int
  package var useBias: Bool
  package var activation: Activation

  package init(units: Int, useBias: Bool, activation: Activation = .linear) {
    self.units = units
    self.useBias = useBias
    self.activation = activation
  }
}

extension Dense: WeightedPayload {
  static let kinds = ["dense"]
  var operation: Operation { .dense(self) }
  var kerasClassName: String { "dense" }

  var attributes: [(String, AttributeValue)] {
    [("units", .int(units)), ("use_bias", .bool(useBias))] + activation.attributes
  }

  init(from fields: inout AttributeFields) throws(ZooError) {
    self.init(
      units: try fields.int("units"), useBias: try fields.bool("use_bias"),
      activation: try fields.activation())
  }

  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    let input = try inputs.vectors("a dense layer needs at least one axis")
    return try inputs.shape(input.dimensions.dropLast() + [units])
  }

  func weights(for input: Shape) -> [WeightDeclaration] {
    [(.kernel, [input.channels, units])] + (useBias ? [(.bias, [units])] : [])
  }

  func macs(input: Shape, output: Shape) -> Int {
    saturatingProduct(output.elementCount, input.channels)
  }
}
