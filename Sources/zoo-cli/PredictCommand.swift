import ArgumentParser
import ModelZooTools
import ZooSystem

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Classify images.",
    discussion: """
      JPEG and PNG images are resized bilinearly to the input size and preprocessed as the model file specifies.

      Examples:
        zoo predict mobilenet.zoo cat.jpg
        zoo predict mobilenet.zoo *.jpg --top 1 --json
      """)

  @Argument(help: "A .zoo file or a weight file.", completion: .file())
  var model: String

  @Argument(help: "The images.", completion: .file())
  var images: [String]

  @Option(help: "The number of classes to print per image.")
  var top = 5

  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard top >= 1 else { throw ValidationError("--top takes a number from 1, not \(top).") }
  }

  func run() throws {
    let classifier = try Classifier(
      model: Model(converting: model), threads: threads.count, pictureCount: images.count)
    let bar = ProgressBar(quiet: common.quiet)
    var results: [PredictOutput] = []
    for (index, path) in images.enumerated() {
      bar.show("predicting", done: index, total: images.count) { "\($0) images" }
      let predictions = try classifier.classify(Picture(path: path), top: top)
      let result = PredictOutput(image: path, predictions: predictions.map(PredictOutput.Class.init))
      if common.json {
        results.append(result)
      } else {
        bar.finish()
        try print(result)
      }
    }
    bar.finish()
    if common.json { try Terminal.print(json: results) }
  }

  private func print(_ result: PredictOutput) throws {
    try Terminal.print(result.image)
    for prediction in result.predictions {
      let percent = decimal(Double(prediction.probability) * 100, 2)
      try Terminal.print(
        String(repeating: " ", count: max(0, 8 - percent.count)) + "\(percent) %  \(prediction.label)"
          + (prediction.id.isEmpty ? "" : "  (\(prediction.id))"))
    }
  }
}

private struct PredictOutput: Encodable {
  struct Class: Encodable {
    let index: Int
    let id: String
    let label: String
    let probability: Float

    enum CodingKeys: String, CodingKey {
      case index = "class"
      case id, label, probability
    }

    init(_ prediction: Prediction) {
      index = prediction.classIndex
      id = prediction.id
      label = prediction.label
      probability = prediction.probability
    }
  }

  let image: String
  let predictions: [Class]
}
