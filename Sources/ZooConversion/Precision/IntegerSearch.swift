import ZooGraph
import ZooImages
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// Finds how a network can be computed with activations of 8 bits so that its outputs do not move too far.
///
/// Ranges of values come from batch norms where there are any: those of photographs are no better, and on what only
/// depthwise layers read, where each channel has its own, they are worse. Other values have the range that they have on
/// the trial pictures, with a margin where these are synthetic. Inputs that take pictures have the range of pixels, so that
/// their codes are these; other inputs stay floats, and so do the layers that read them.
struct IntegerSearch {
  let graph: Graph
  let preprocessing: Preprocessing
  let threads: Int
  /// Image files to try; synthetic pictures where there are none.
  let images: [String]
  /// How far outputs may move: the root of the mean square over the values' deviation, of logits where the network ends
  /// in probabilities.
  let largestError: Double

  /// What was chosen, and what it costs.
  struct Choice {
    var record: IntegerRecord
    /// How far the outputs move, on the trial pictures.
    var error: Double
    /// With no layer given back.
    var errorOfAll: Double
    /// The layers that are computed on codes.
    var integerLayers: Int
    /// Those that are not, although they could be.
    var givenBack: [String]
    /// What was tried, in words.
    var trials: String

    /// Whether no more layers were given back than are computed on codes.
    var isMostlyOnCodes: Bool { integerLayers >= givenBack.count }
  }

  /// Ranges of synthetic pictures are widened by this factor, as photographs go beyond them.
  private static let margin: Float = 1.5

  /// - Parameters:
  ///   - weights: those that the file will hold, for codes of kernels.
  ///   - original: those that outputs are compared with.
  /// - Throws: `ZooError` where no layer can be computed on codes, or an image can't be read, and what the weights throw.
  func choose(weights: some WeightSource, original: some WeightSource) throws -> Choice {
    let trials = try OutputTrials(
      graph: graph, preprocessing: preprocessing, threads: threads, images: images, weights: original)
    func error(_ record: IntegerRecord) throws -> Double {
      try trials.error(with: weights, integers: record)
    }
    var record = IntegerRecord(ranges: try ranges(original, trials.inputs))
    let program = IntegerProgram(graph, try record.form(of: graph, weights: weights))
    let used = Set(program.rangedValues.map { graph[$0].name })
    record.ranges = record.ranges.filter { used.contains($0.key) }
    // Layers that only hand on codes have nothing to give back.
    let layers = program.layers.values.filter(\.makesCodes).sorted { $0.node < $1.node }
      .map { graph.nodes[$0.node].name }
    guard !layers.isEmpty else {
      throw ZooError(
        .unsuitable, what: "cannot compute in 8 bits", at: "the network",
        "none of its layers can be computed on codes of 8 bits", remedy: "Leave --activations out.")
    }
    let whole = try error(record)
    var choice = Choice(
      record: record, error: whole, errorOfAll: whole, integerLayers: layers.count, givenBack: [],
      trials: trials.text)
    guard whole > largestError else { return choice }
    // By what each layer does to the outputs when it alone is computed on codes.
    var effects: [(layer: String, error: Double)] = []
    for layer in layers {
      var alone = record
      alone.floatLayers = Set(layers).subtracting([layer])
      effects.append((layer, try error(alone)))
    }
    let order = effects.enumerated().sorted { a, b in
      a.element.error != b.element.error ? a.element.error > b.element.error : a.offset < b.offset
    }.map(\.element.layer)
    // One after another: more layers in floats are not always better.
    for count in 1..<max(2, order.count) {
      var candidate = record
      candidate.floatLayers = Set(order.prefix(count))
      let found = try error(candidate)
      guard found <= largestError, count < order.count else { continue }
      choice.record = candidate
      choice.givenBack = order.prefix(count).sorted()
      choice.integerLayers -= count
      choice.error = found
      return choice
    }
    throw ZooError(
      .unsuitable, what: "cannot compute in 8 bits", at: "the network",
      "with any of its layers on codes of 8 bits the outputs move by more than \(significant(largestError))",
      remedy: "State a larger error, up to \(significant(whole)), or leave --activations out.")
  }

  /// Of every value, of inputs where they take pictures.
  private func ranges(_ weights: some WeightSource, _ inputs: [Tensor]) throws -> [String: ValueRange] {
    let prediction = try ValuePrediction(graph: graph, weights: weights)
    let perChannel = graph.depthwiseInputs
    let measured = try IntegerForm.measuredRanges(
      of: graph, weights: weights, on: inputs, threads: threads, perChannel: true)
    let margin: Float = images.isEmpty ? Self.margin : 1
    var ranges: [String: ValueRange] = [:]
    for input in graph.inputs where TestInput.isImage(graph[input].shape) {
      ranges[graph[input].name] = preprocessing.range(channels: graph[input].shape.image.channels)
    }
    for (index, node) in graph.nodes.enumerated() where !node.inputs.isEmpty {
      let value = Value(index: index)
      if let predicted = prediction.ranges(of: value) {
        let channels = perChannel.contains(value) ? predicted.ranges : [predicted.whole]
        ranges[node.name] = ValueRange(
          lowest: channels.map { Float($0.lowerBound) }, highest: channels.map { Float($0.upperBound) })
      } else if let measured = measured[value] {
        ranges[node.name] = ValueRange(
          lowest: measured.lowest.map { $0 * margin }, highest: measured.highest.map { $0 * margin })
      }
    }
    return ranges
  }
}

extension IntegerLayer {
  /// Whether it rounds anything: others hand on codes that mean the same as those that they read.
  fileprivate var makesCodes: Bool {
    switch kind {
    case .maxPooling, .padding, .copy: false
    default: true
    }
  }
}
