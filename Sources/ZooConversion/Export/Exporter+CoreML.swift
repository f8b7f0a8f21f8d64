import ZooExport
import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// A Core ML package takes pictures where it is known how pixels are preprocessed, and gives classes where they have names.
extension Exporter {
  func exportedAsCoreML(overwrite: Bool, progress: (Int, Int) -> Void) throws -> Report {
    try CoreMLModel.checkPossible(output, overwrite: overwrite)
    try checkFloats(for: "a Core ML model would compute with \(precision == .f16 ? 16 : 32)")
    let location = recipe.file.path
    let folded = try FoldedGraph(recipe.graph)
    let weights = folded.weights(from: recipe.weights)
    let picture = picture
    let graph = try folded.graph.lowered(
      for: .init(inputs: picture == nil ? layout : .nchw, outputs: layout, hasCompositeActivations: true),
      location: location)
    let classes = classes
    let model = try CoreMLModel(
      graph, inputs: inputs(picture), classes: classes, description: description(classes),
      type: precision == .f16 ? .float16 : .float32, weights: weights, location: location)
    let trial =
      precision == .f16
      ? try HalfPrecisionTrial(
        of: recipe, folded: folded.graph, weights: weights, threads: Processors.count) : nil
    var done = 0
    let bytes = try model.write(to: output, overwrite: overwrite, weights: weights) {
      done += $0
      progress(done, model.weightByteCount)
    }
    let slots = recipe.graph.weightSlots
    return Report(
      output: output, format: format.rawValue, architecture: recipe.card.architecture, tensors: slots.count,
      parameters: recipe.graph.parameterCount, bytes: bytes,
      widened: recipe.binding.assignments.count {
        $0.entry.elementType.byteCount < (precision == .f16 ? 2 : 4)
      }, precision: precision.rawValue, interface: interface(picture, classes), largestError: trial?.error,
      trials: trial?.text)
  }

  // MARK: Inputs and outputs

  /// How pixels become what enters the network; nil where it takes no pictures, or nothing says it.
  private var picture: CoreMLPicture? {
    guard recipe.graph.takesPictures else { return nil }
    let channels = recipe.graph[recipe.graph.inputs[0]].shape[2]
    return CoreMLPicture(recipe.card.preprocessing, channels: channels)
  }

  private func inputs(_ picture: CoreMLPicture?) -> [CoreMLModel.Input] {
    if let picture { return [.picture(picture)] }
    return recipe.graph.inputs.map { input in
      let isImage = recipe.graph[input].shape.rank == 3
      return .array(
        (isImage
          ? (layout == .nhwc ? "(1, height, width, channels)" : "(1, channels, height, width)") : "values")
          + ", already preprocessed")
    }
  }

  private var classes: CoreMLModel.Classes? {
    let labels = recipe.labels.map { $0.name.isEmpty ? $0.id : $0.name }
    switch recipe.graph.outputKind {
    case .twoClasses? where labels.count == 2: return .init(labels: labels, values: .second)
    case _ where labels.count != recipe.graph[recipe.graph.outputs[0]].shape.dimensions.first: return nil
    case .classes?, .independent?: return .init(labels: labels, values: .each)
    case .values? where labels.count > 1: return .init(labels: labels, values: .logits)
    default: return nil
    }
  }

  /// What the model takes and gives, for people.
  private func interface(_ picture: CoreMLPicture?, _ classes: CoreMLModel.Classes?) -> String {
    let shape = recipe.graph[recipe.graph.inputs[0]].shape
    let input: String
    if let picture {
      input = "\(picture.colours == .grey ? "grey pictures" : "pictures") of \(shape[1]) x \(shape[0]) pixels"
    } else if recipe.graph.takesPictures {
      input = "arrays, because nothing says how pixels are preprocessed"
    } else {
      input = "arrays"
    }
    let output: String
    switch classes?.values {
    case nil: output = "arrays"
    case .logits?: output = "classes, with probabilities that a softmax makes of its logits"
    case .each?, .second?: output = "classes with their probabilities"
    }
    return "takes \(input), and gives \(output)"
  }

  // MARK: The card

  private func description(_ classes: CoreMLModel.Classes?) -> CoreMLModel.Description {
    let card = recipe.card
    var metadata = modelMetadata
    // It is what classes are named by.
    metadata["labels"] = nil
    metadata["precision"] = precision.rawValue
    let training = card.trainingData.map { ", trained on \($0)" } ?? ""
    let remark: String? =
      switch classes?.values {
      case nil: nil
      case .logits?: "the probability of each class, by a softmax of the network's logits"
      case .each?, .second?: "the probability of each class"
      }
    return CoreMLModel.Description(
      summary: "\(card.architecture), \(card.variant)\(training)", author: card.citation,
      version: ZooVersion.current, licence: card.licence, metadata: metadata, outputRemark: remark)
  }
}
