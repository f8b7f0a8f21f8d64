import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Layers that do what another one does, with something before or after it.
extension KerasLayer {
  /// What a layer computes of images whose channels come first: `inner` of them with their channels last.
  func channelsFirst(
    _ inputs: [Shape?], _ inner: ([Shape?]) throws(ZooError) -> [KerasStep]
  ) throws(ZooError) -> [KerasStep] {
    var shapes: [Shape] = []
    for index in inputs.indices { shapes.append(try shape(inputs, index)) }
    var c = KerasComposition(of: name, reading: shapes)
    var moved: [Value] = []
    var movedShapes: [Shape] = []
    for (value, shape) in zip(c.inputs, shapes) {
      let last =
        shape.rank > 1 ? c.permute(value, KerasLayer.order(movingToEnd: [0], rank: shape.rank)) : value
      moved.append(last)
      movedShapes.append(try c.shape(last))
    }
    let result = c.embed(try inner(movedShapes), moved)
    let rank = try c.shape(result).rank
    guard rank > 1, rank == shapes.first?.rank else { return c.steps(to: result) }
    let order = KerasLayer.order(movingToEnd: [0], rank: rank)
    return c.steps(to: c.permute(result, KerasLayer.inverse(order)))
  }

  /// The name of the layer's activation function, where that is several operations.
  var composedActivation: String? {
    let name = members["activation"]?.string ?? members["activation"]?["config"]?.string
    return name.flatMap { KerasLayer.composedActivations.contains($0) ? $0 : nil }
  }

  /// The layer that is this one's activation, where it is not a function of each value.
  var activationLayer: KerasLayer? {
    guard let value = members["activation"], let className = value["class_name"]?.string,
      let members = value["config"]?.object
    else { return nil }
    let layer = KerasLayer(className: className, name: name, members: members, dialect: dialect)
    let isComposed = className == "Softmax" || layer.composedActivation != nil || layer.activationLayer != nil
    return isComposed ? layer : nil
  }

  /// The layer with another one behind it that has no weights.
  func steps(
    endingIn layer: KerasLayer, _ call: KerasCall, inputs: [Shape?]
  ) throws(ZooError) -> [KerasStep] {
    var c = KerasComposition(of: name, reading: [try shape(inputs)])
    var value = c.inputs[0]
    if className != "Activation" {
      value = c.embed(try with("activation", .string("linear")).steps(call, inputs: inputs), [value])
    }
    let shape = try c.shape(value)
    return c.steps(to: c.embed(try layer.steps(.tensors(1), inputs: [shape]), [value]))
  }

  /// The layer with such a function behind it.
  func steps(
    endingIn activation: String, _ call: KerasCall, inputs: [Shape?]
  ) throws(ZooError) -> [KerasStep] {
    var c = KerasComposition(of: name, reading: [try shape(inputs)])
    var value = c.inputs[0]
    if className != "Activation" {
      value = c.embed(try with("activation", .string("linear")).steps(call, inputs: inputs), [value])
    }
    guard let result = try composed(activation, value, &c, argument: { _ in nil }) else {
      throw unsupportedFunction(activation)
    }
    return c.steps(to: result)
  }
}
