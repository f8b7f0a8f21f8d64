import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Layers that make whole numbers of values, and vectors of whole numbers.
extension KerasLayer {
  /// What such a layer computes; nil for a layer of another class.
  func categorySteps(inputs: [Shape?]) throws(ZooError) -> [KerasStep]? {
    switch className {
    case "Discretization":
      var c = KerasComposition(of: name, reading: [try shape(inputs)])
      guard let stated = members["bin_boundaries"] ?? members["bins"], let bounds = numbers(stated),
        !bounds.isEmpty
      else {
        throw unsupported("it has no boundaries", remedy: "Adapt it to data, and save the model again.")
      }
      let ascending = bounds.sorted()
      let index = try c.bucket(c.inputs[0], ascending)
      return c.steps(to: try encoded(index, depth: bounds.count + 1, &c))
    case "IntegerLookup":
      var c = KerasComposition(of: name, reading: [try shape(inputs)])
      return c.steps(to: try integerLookup(&c))
    case "CategoryEncoding":
      var c = KerasComposition(of: name, reading: [try shape(inputs)])
      let depth = members["num_tokens"] ?? members["max_tokens"]
      guard let depth = depth?.integer, depth > 0 else {
        throw malformedAttribute("num_tokens", "a whole number")
      }
      return c.steps(to: try encoded(c.inputs[0], depth: depth, &c))
    default: return nil
    }
  }

  /// Whole numbers from 0 on as the layer's `output_mode` gives them out.
  private func encoded(_ index: Value, depth: Int, _ c: inout KerasComposition) throws(ZooError) -> Value {
    let mode = members["output_mode"]?.string ?? (className == "CategoryEncoding" ? "multi_hot" : "int")
    if mode == "int" { return index }
    let extents = try c.shape(index).dimensions
    let numbers = (0..<depth).map(Double.init)
    switch mode {
    case "one_hot":
      // A last axis of 1 gives way to the new one.
      let isSingle = extents.last == 1
      return try c.isEqual(isSingle ? c.reshape(index, extents.dropLast()) : index, to: numbers)
    case "multi_hot", "binary", "count":
      guard extents.count <= 1 else { throw unsupported("it makes one vector of \(extents.count) axes") }
      let each = try c.isEqual(c.reshape(index, [extents.first ?? 1]), to: numbers)
      if mode != "count" { return try c.reduce(each, axes: [0], keepDimensions: false) { .maxPooling($0) } }
      return try c.total(c.permute(each, [1, 0]))
    default: throw unsupported("its output_mode is '\(mode)'")
    }
  }

  private func integerLookup(_ c: inout KerasComposition) throws(ZooError) -> Value {
    guard let stated = members["vocabulary"], var vocabulary = numbers(stated), !vocabulary.isEmpty else {
      throw unsupported(
        "its vocabulary is not in the configuration",
        remedy: "Give the layer its vocabulary as an argument, and save the model again.")
    }
    let mode = members["output_mode"]?.string ?? "int"
    let unknowns = try integer("num_oov_indices", whereAbsent: 1)
    guard (0...1).contains(unknowns) else {
      throw unsupported("it has \(unknowns) numbers for what is not in the vocabulary")
    }
    let unknown = try number("oov_token", whereAbsent: -1)
    let mask = members["mask_token"] == .null ? nil : members["mask_token"]?.number
    let isInverted = try bool("invert", whereAbsent: false)
    guard mask == nil || mode == "int" else { throw unsupported("it has a mask and output_mode '\(mode)'") }
    // A vocabulary may begin with the numbers that stand for nothing.
    let special = (mask.map { [$0] } ?? []) + Array(repeating: unknown, count: unknowns)
    if !special.isEmpty, vocabulary.starts(with: special) { vocabulary.removeFirst(special.count) }
    let first = special.count
    var table = vocabulary.enumerated().map { (key: $1, number: Double(first + $0)) }
    if let mask { table.append((mask, 0)) }
    guard table.allSatisfy({ $0.key == $0.key.rounded() }) else {
      throw malformedAttribute("vocabulary", "a list of whole numbers")
    }
    if isInverted {
      let words = table.map { (key: $0.number, number: $0.key) }
      return try c.lookUp(c.inputs[0], in: words, absent: unknown)
    }
    // Keras stops at what is not in a vocabulary without a number for it.
    let absent = unknowns == 0 ? -1 : Double(mask == nil ? 0 : 1)
    let index = try c.lookUp(c.inputs[0], in: table, absent: absent)
    let isPadded = try bool("pad_to_max_tokens", whereAbsent: false)
    return try encoded(
      index, depth: isPadded ? try integer("max_tokens") : first + vocabulary.count, &c)
  }
}
