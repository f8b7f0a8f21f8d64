import ZooGraph
import ZooTensor

/// Inputs and outputs are 32-bit floats, whatever the program computes with.
extension CoreMLTranslation {
  /// Gives inputs and outputs their names before anything else has one.
  mutating func reserveFeatures(
    inputs: [CoreMLModel.Input], hasClasses: Bool
  ) -> (inputs: [String], outputs: [String]) {
    let inputs = zip(graph.inputs, inputs).map { value, input in
      if case .picture = input { program.names.unique("image") } else { unique(value) }
    }
    let outputs = hasClasses ? [] : graph.outputs.map { unique($0) }
    if hasClasses {
      _ = program.names.unique(CoreMLModel.classFeature)
      _ = program.names.unique(CoreMLModel.probabilitiesFeature)
    } else if program.type == .float32 {
      for (value, name) in zip(graph.outputs, outputs) { valueNames[value.index] = name }
    }
    return (inputs, outputs)
  }

  private mutating func unique(_ value: LoweredGraph.Value) -> String {
    program.names.unique(graph.names[value.index])
  }

  /// From what a program gives to what the network reads.
  mutating func enter(_ value: LoweredGraph.Value, _ feature: CoreMLModel.Feature) throws {
    var name = feature.name
    let shape = feature.shape
    if program.type == .float16 { name = cast(name, to: .float16, shape) }
    if case .picture(let picture) = feature.input {
      func numbers(_ numbers: [Double]) throws -> Argument {
        numbers.count == 1
          ? .float(numbers[0])
          : .value(
            try program.constant(
              LoweredConstant(source: .numbers(numbers.map { Float($0) }), shape: [1, numbers.count, 1, 1]),
              named: "channels"))
      }
      if picture.scale != [1] {
        let scale = try numbers(picture.scale)
        name = program.add(
          "mul", [("x", .value(name)), ("y", scale)], named: between(feature.name, "scaled"), shape: shape)
      }
      if picture.bias != [0] {
        let bias = try numbers(picture.bias)
        name = program.add(
          "add", [("x", .value(name)), ("y", bias)], named: between(feature.name, "shifted"), shape: shape)
      }
    }
    valueNames[value.index] = name
  }

  /// From what the network computes to what a program gets.
  mutating func leave(_ value: LoweredGraph.Value, _ feature: CoreMLModel.Feature) {
    guard program.type == .float16 else { return }
    program.add(
      "cast", [("x", .value(valueNames[value.index])), ("dtype", .text(CoreMLType.float32.name))],
      named: feature.name, shape: feature.shape, type: .float32)
  }

  mutating func classify(_ value: LoweredGraph.Value, _ classes: CoreMLModel.Classes) {
    let count = classes.labels.count
    var name = valueNames[value.index]
    switch classes.values {
    case .each: break
    case .logits:
      name = program.add(
        "softmax", [("x", .value(name)), ("axis", .int(-1))], named: between(name, "probabilities"),
        shape: [1, count])
    case .second:
      let other = program.add(
        "sub", [("x", .float(1)), ("y", .value(name))], named: between(name, "other"), shape: [1, 1])
      name = program.add(
        "concat",
        [("values", .values([other, name])), ("axis", .int(-1)), ("interleave", .bool(false))],
        named: between(name, "both"), shape: [1, count])
    }
    if program.type == .float16 { name = cast(name, to: .float32, [1, count]) }
    program.add(
      "classify", [("probabilities", .value(name)), ("classes", .texts(classes.labels))],
      named: program.names.unique("classify"),
      results: [
        (CoreMLModel.classFeature, CoreMLValue.tensorType(.string, [])),
        (CoreMLModel.probabilitiesFeature, CoreMLValue.dictionaryType(.string, .float64)),
      ])
  }

  private mutating func cast(_ name: String, to type: CoreMLType, _ shape: [Int]) -> String {
    program.add(
      "cast", [("x", .value(name)), ("dtype", .text(type.name))], named: between(name, type.name),
      shape: shape, type: type)
  }
}
