import ZooExport
import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// All numbers of an ONNX model are 32-bit floats, which hold every smaller type exactly: so every engine takes it, and
/// it computes what this package computes.
extension Exporter {
  func exportedAsONNX(overwrite: Bool, progress: (Int, Int) -> Void) throws -> Report {
    try checkFloats(for: "an ONNX model would compute with 32")
    let graph = try recipe.graph.lowered(layout: layout, location: recipe.file.path)
    let model = ONNXModel(
      graph,
      description: .init(
        name: recipe.card.architecture, producerVersion: ZooVersion.current, metadata: onnxMetadata,
        inputRemark: recipe.graph.takesPictures ? recipe.card.preprocessing.formula : nil))
    var done = 0
    let written = try model.write(to: output, overwrite: overwrite, weights: recipe.weights) {
      done += $0
      progress(done, model.byteCount)
    }
    let slots = Set(graph.constants.flatMap(\.slots))
    return Report(
      output: output, format: format.rawValue, architecture: recipe.card.architecture, tensors: slots.count,
      parameters: slots.reduce(0) { $0 + $1.shape.elementCount }, bytes: written.byteCount,
      widened: recipe.binding.assignments.count {
        slots.contains($0.slot) && $0.entry.elementType.byteCount < ElementType.float32.byteCount
      }, data: written.files.dropFirst().first)
  }

  /// Refuses networks that compute on codes.
  func checkFloats(for why: String) throws(ZooError) {
    guard (recipe.file as? ZooWeightFile)?.zoo.document.integers != nil else { return }
    throw ZooError(
      .unsupported, what: "cannot export", at: recipe.file.path, "its activations are of 8 bits, and \(why)",
      remedy: "Convert the original file without --activations int8, and export that.")
  }

  private var onnxMetadata: [String: String] {
    var texts = modelMetadata
    texts["layout"] = layout.rawValue
    return texts
  }

  /// What a whole model says besides the network.
  var modelMetadata: [String: String] {
    var texts = metadata
    texts["licence"] = recipe.card.licence
    texts["training_data"] = recipe.card.trainingData
    texts["citation"] = recipe.card.citation
    texts["accuracy"] = recipe.card.accuracy
    texts["resampling"] = pixels?.resampling
    texts["crop"] = pixels?.crop
    if !recipe.labels.isEmpty {
      texts["labels"] = JSONValue.array(recipe.labels.map { .string($0.name) }).text
    }
    return texts
  }

  /// How pictures are brought to size, by the training of the model or else by its network's program.
  private var pixels: TrainingRecord.Pixels? {
    (recipe.file as? ZooWeightFile)?.zoo.document.training?.pixels ?? recipe.card.pixels
  }
}

extension Preprocessing {
  /// What becomes of a pixel x of 0…255, for people; nil where nothing says it.
  var formula: String? {
    switch self {
    case .caffe: "BGR, x minus 103.939, 116.779, 123.68"
    case .caffeRGB: "RGB, x minus 123.68, 116.779, 103.939"
    case .tf: "RGB, x / 127.5 - 1"
    case .torch: "RGB, x / 255, minus 0.485, 0.456, 0.406, over 0.229, 0.224, 0.225"
    case .torchBGR: "BGR, x / 255, minus 0.406, 0.456, 0.485, over 0.225, 0.224, 0.229"
    case .unit: "RGB, x / 255"
    case .none: "RGB, x of 0 to 255"
    case .unknown: nil
    }
  }
}
