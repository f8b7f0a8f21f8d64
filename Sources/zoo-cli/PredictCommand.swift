import ArgumentParser
import ModelZooTools
import ZooSystem

struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Classify images.",
    discussion: """
      Images (JPEG, PNG, WebP, GIF, BMP, TIFF; the first frame or page) are resized to the input size and \
      preprocessed as the model file specifies. Where it says nothing of size, that is what Keras' load_img with \
      interpolation="bilinear" does: the image is stretched, and its EXIF orientation is ignored. Folders are searched for such files, and - is standard input. An image that cannot be decoded is reported, \
      and the others are classified nevertheless. What a softmax or sigmoid computes is printed in percent, any \
      other output as it is.

      Examples:
        zoo predict mobilenet.zoo cat.jpg
        zoo predict mobilenet.zoo photographs --top 1 --json
        zoo predict mobilenet.zoo IMG_1234.jpg --exif --resize bicubic --crop 0.875
        curl -s https://example.org/cat.jpg | zoo predict mobilenet.zoo -
      """)

  @Argument(help: "A .zoo file or a weight file.", completion: .file())
  var model: String

  @Argument(help: "Images and folders of images; - is standard input.", completion: .file())
  var images: [String]

  @Option(help: "The number of classes to print per image.")
  var top = 5

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard top >= 1 else { throw ValidationError("--top takes a number from 1, not \(top).") }
  }

  func run() throws {
    if !common.quiet { try pictures.warnOfOthers(in: images) }
    let sources = try PictureSource.expand(images)
    let opened = try Model(converting: model)
    common.warn(of: opened)
    let options = RunOptions(threads: threads.count, exampleCount: sources.count)
    if let tasks = opened.training?.tasks, tasks.count > 1 || tasks.first?.kind == .number {
      var predictor = try TaskPredictor(model: opened, options: options)
      predictor.fitting = pictures.fitting(for: opened)
      return try predict(sources, opened) { picture in
        PredictOutput.Answer(tasks: try predictor.predict([picture])[0], top: top)
      }
    }
    var classifier = try Classifier(model: opened, options: options)
    classifier.fitting = pictures.fitting(for: opened)
    if classifier.outputKind == .values && !common.quiet {
      Terminal.warning("\(model) ends in neither softmax nor sigmoid, so its values are no probabilities")
    }
    try predict(sources, opened) { picture in
      PredictOutput.Answer(try classifier.classify(picture, top: top))
    }
  }

  /// Prints what `answer` makes of each picture.
  private func predict(
    _ sources: [PictureSource], _ model: Model, _ answer: (Picture) throws -> PredictOutput.Answer
  ) throws {
    try PictureLoop(
      label: "predicting", sources: sources, isUpright: pictures.isUpright(for: model), common: common
    ).run(
      compute: { _, picture in try answer(picture) },
      print: { try print(PredictOutput(image: $0, $1)) },
      output: { path, result in
        switch result {
        case .success(let answer): PredictOutput(image: path, answer)
        case .failure(let error): PredictOutput(image: path, error: "\(error)")
        }
      })
  }

  private func print(_ result: PredictOutput) throws {
    try Terminal.print(result.image)
    for task in result.tasks ?? [] {
      try Terminal.print("  \(task.name)\(task.number.map { ": \(decimal(Double($0), 4))" } ?? "")")
      try print(task.predictions)
    }
    try print(result.predictions)
  }

  private func print(_ predictions: [PredictOutput.Class]) throws {
    let values = predictions.map { prediction in
      prediction.probability.map { decimal(Double($0) * 100, 2) } ?? decimal(Double(prediction.value ?? 0), 4)
    }
    let width = max(8, values.map(\.count).max() ?? 0)
    for (prediction, value) in zip(predictions, values) {
      try Terminal.print(
        String(repeating: " ", count: width - value.count) + value
          + (prediction.probability == nil ? "  " : " %  ") + bar(prediction.probability) + prediction.label
          + (prediction.id.isEmpty ? "" : "  (\(prediction.id))"))
    }
  }

  /// A probability as a bar, where standard output is a terminal that is wide enough.
  private func bar(_ probability: Float?) -> String {
    guard let probability, let columns = Terminal.outputWidth, columns >= 64 else { return "" }
    let length = 20
    let eighths = Int((min(max(probability.isNaN ? 0 : probability, 0), 1) * Float(length * 8)).rounded())
    // Eighths of a column, from the left.
    let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
    let bar = String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
    return bar + String(repeating: " ", count: length + 2 - bar.count)
  }
}

private struct PredictOutput: Encodable {
  struct Class: Encodable {
    let index: Int
    let id: String
    let label: String
    /// Where the model's values are probabilities.
    let probability: Float?
    /// Where they are not.
    let value: Float?

    enum CodingKeys: String, CodingKey {
      case index = "class"
      case id, label, probability, value
    }

    init(_ prediction: Prediction) {
      index = prediction.classIndex
      id = prediction.id
      label = prediction.label
      probability = prediction.outputKind == .values ? nil : prediction.probability
      value = prediction.outputKind == .values ? prediction.value : nil
    }
  }

  /// What a model of several tasks says for one.
  struct Task: Encodable {
    let name: String
    let kind: String
    let predictions: [Class]
    let number: Float?
  }

  /// What a model made of a picture.
  struct Answer {
    var predictions: [Class] = []
    var tasks: [Task]?

    init(_ predictions: [Prediction]) { self.predictions = predictions.map(Class.init) }

    init(tasks: [TaskPrediction], top: Int) {
      self.tasks = tasks.map {
        Task(
          name: $0.task.name, kind: $0.task.kind.rawValue,
          predictions: $0.classes.prefix(top).map(Class.init),
          number: $0.number)
      }
    }
  }

  let image: String
  let predictions: [Class]
  let tasks: [Task]?
  let error: String?

  init(image: String, _ answer: Answer) {
    self.image = image
    predictions = answer.predictions
    tasks = answer.tasks
    error = nil
  }

  init(image: String, error: String) {
    self.image = image
    predictions = []
    tasks = nil
    self.error = error
  }
}
