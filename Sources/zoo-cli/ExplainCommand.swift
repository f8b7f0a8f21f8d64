import ArgumentParser
import ModelZooTools
import ZooSystem

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Show which parts of images decide their class.",
    discussion: """
      With -o, writes each image with the evidence for its class on it, as PNG; in a terminal without -o, shows it \
      there. If a linear head follows a global average pooling, as in ResNet and MobileNet, the map is exact: its \
      values add up to the class's logit, but for a constant. For other heads of dense layers, pooling and norms it is \
      Grad-CAM, and for what neither covers it is how far the logit falls where a grey patch hides a part.

      Examples:
        zoo explain mobilenet.zoo cat.jpg
        zoo explain mobilenet.zoo cat.jpg -o cam.png --class tabby
        zoo explain resnet50.zoo photographs -o maps --json
      """)

  @Argument(help: "A .zoo file or a weight file.", completion: .file())
  var model: String

  @Argument(help: "Images and folders of images; - is standard input.", completion: .file())
  var images: [String]

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "The picture to write; for several images, a folder for NAME.cam.png of each.", valueName: "cam.png"),
    completion: .file(extensions: ["png"]))
  var output: String?

  @Option(
    name: .customLong("class"),
    help: ArgumentHelp(
      "The class to explain: its name, its identifier or its index; by default the most probable one.",
      valueName: "name|index"))
  var className: String?

  @Option(
    help: ArgumentHelp(
      "The layer whose feature map is read; by default the last one before the head.", valueName: "name"))
  var layer: String?

  @OptionGroup var pictures: PictureOptions
  @OptionGroup var overwrite: OverwriteOption
  @OptionGroup var threads: ThreadsOption
  @OptionGroup var common: CommonOptions

  func run() throws {
    if !common.quiet { try pictures.warnOfOthers(in: images) }
    let sources = try PictureSource.expand(images)
    let outputs = try outputPaths(for: sources)
    for path in outputs { try AtomicFile.checkPossible(path, overwrite: overwrite.force) }
    let model = try Model(converting: model)
    var explainer = try Explainer(
      model: model, layer: layer,
      options: RunOptions(threads: threads.count, exampleCount: sources.count == 1 ? 1 : nil))
    explainer.fitting = pictures.fitting(for: model)
    common.warn(of: model)
    if let layer, explainer.method == .occlusion, !common.quiet {
      Terminal.note(
        "what follows '\(layer)' has no simple gradient, so parts of the images are hidden in turn")
    }
    let classIndex = try className.map(explainer.classIndex(named:))
    try PictureLoop(
      label: "explaining", sources: sources, isUpright: pictures.isUpright(for: model), common: common
    ).run(
      compute: { index, picture in
        let explanation = try explainer.explain(picture, classIndex: classIndex)
        let path = outputs.isEmpty ? nil : outputs[index]
        if let path {
          try explanation.overlay(on: picture).writePNG(to: path, overwrite: overwrite.force)
        }
        return (picture: picture, explanation: explanation, output: path)
      },
      print: { image, result in
        if result.output == nil {
          try draw(result.explanation.overlay(on: result.picture, hasLegend: false))
        }
        try Terminal.print(text(of: result.explanation, image: image))
        if let path = result.output { try Terminal.print("wrote \(path)") }
      },
      output: { image, result in
        switch result {
        case .success(let result): ExplainOutput(image: image, result.explanation, output: result.output)
        case .failure(let error): ExplainOutput(image: image, error: "\(error)")
        }
      })
  }

  /// Where each image's picture goes; empty without `-o`.
  private func outputPaths(for sources: [PictureSource]) throws -> [String] {
    guard let output else { return [] }
    let isFolder = isFolder(output) || output.hasSuffix("/")
    guard sources.count > 1 || isFolder else { return [output] }
    guard isFolder else {
      throw ValidationError("For \(sources.count) images, -o takes a folder that is there, not '\(output)'.")
    }
    var taken: [String: Int] = [:]
    return sources.map { source in
      let file = source.path == "-" ? StandardInput.fileName : lastComponent(of: source.path)
      let name = file.lastIndex(of: ".").map { $0 > file.startIndex ? String(file[..<$0]) : file } ?? file
      let count = taken[name, default: 0]
      taken[name] = count + 1
      // Images of one name in several folders, or of several formats.
      return (output.hasSuffix("/") ? output : output + "/") + name + (count == 0 ? "" : "-\(count + 1)")
        + ".cam.png"
    }
  }

  private func text(of explanation: Explanation, image: String) -> String {
    let prediction = explanation.prediction
    let value =
      prediction.outputKind == .values
      ? decimal(Double(prediction.value), 4) : decimal(Double(prediction.probability) * 100, 2) + " %"
    let name = prediction.label + (prediction.id.isEmpty ? "" : " (\(prediction.id))")
    let evidence =
      explanation.centre.map {
        "evidence around \(decimal($0.x * 100, 0)) % from the left and \(decimal($0.y * 100, 0)) % from the top"
      } ?? "no evidence for it anywhere"
    return "\(image): \(name) \(value), \(evidence); \(explanation.method.name)"
      + (explanation.layer.map { " of \($0)" } ?? "")
  }

  // MARK: In a terminal

  /// Shows a picture as half blocks in 24-bit colour, where standard output is a terminal with colours.
  private func draw(_ picture: Picture) throws {
    guard let columns = Terminal.outputWidth, Terminal.outputIsColoured, columns >= 20 else { return }
    // A character is about twice as high as wide, and shows two pixels above each other.
    let most = (width: min(columns, 80), height: 64)
    let scale = min(
      Double(most.width) / Double(picture.width), Double(most.height) / Double(picture.height))
    let width = max(1, Int(Double(picture.width) * scale))
    let height = max(2, Int(Double(picture.height) * scale) / 2 * 2)
    let small = try picture.resized(height: height, width: width)
    func colour(_ x: Int, _ y: Int) -> String {
      let index = (y * width + x) * 3
      return small.pixels[index..<index + 3].map(String.init).joined(separator: ";")
    }
    var text = ""
    for y in stride(from: 0, to: height, by: 2) {
      for x in 0..<width { text += "\u{1b}[38;2;\(colour(x, y))m\u{1b}[48;2;\(colour(x, y + 1))m▀" }
      text += "\u{1b}[0m\n"
    }
    try text.withUTF8 { try Terminal.write(UnsafeRawBufferPointer($0)) }
  }
}

private struct ExplainOutput: Encodable {
  struct Map: Encodable {
    let height: Int
    let width: Int
    /// Rows of values from the top.
    let values: [[Float]]
    /// The part of the picture that it covers: left, right, top and bottom in shares of the sides.
    let region: [Double]
  }

  struct Centre: Encodable {
    let x: Double
    let y: Double
  }

  let image: String
  var index: Int?
  var id: String?
  var label: String?
  var probability: Float?
  var value: Float?
  var method: Explanation.Method?
  var layer: String?
  var centre: Centre?
  var map: Map?
  var output: String?
  var error: String?

  enum CodingKeys: String, CodingKey {
    case image
    case index = "class"
    case id, label, probability, value, method, layer, centre, map, output, error
  }

  init(image: String, error: String) {
    self.image = image
    self.error = error
  }

  init(image: String, _ explanation: Explanation, output: String?) {
    self.image = image
    let prediction = explanation.prediction
    index = prediction.classIndex
    id = prediction.id
    label = prediction.label
    probability = prediction.outputKind == .values ? nil : prediction.probability
    value = prediction.outputKind == .values ? prediction.value : nil
    method = explanation.method
    layer = explanation.layer
    centre = explanation.centre.map { Centre(x: $0.x, y: $0.y) }
    map = Map(
      height: explanation.height, width: explanation.width,
      values: (0..<explanation.height).map {
        Array(explanation.values[$0 * explanation.width..<($0 + 1) * explanation.width])
      },
      region: [
        explanation.horizontalRange.lowerBound, explanation.horizontalRange.upperBound,
        explanation.verticalRange.lowerBound, explanation.verticalRange.upperBound,
      ])
    self.output = output
  }
}

func lastComponent(of path: String) -> String {
  path.split(separator: "/").last.map(String.init) ?? path
}
