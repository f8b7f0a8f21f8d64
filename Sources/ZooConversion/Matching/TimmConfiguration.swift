import ZooGraph
import ZooModels
import ZooSystem
import ZooWeightFiles

/// What timm's `config.json` beside weights says of them.
struct TimmConfiguration {
  /// The file's path.
  let path: String
  /// timm's name of the network: `resnet50`.
  let architecture: String
  /// Height and width.
  let inputSize: (Int, Int)?
  /// Nil where mean and deviation are those of no ``Preprocessing``, and ``statistics`` says which they are.
  let preprocessing: Preprocessing?
  /// Mean and deviation, for people; nil where there are none.
  let statistics: String?
  let pixels: TrainingRecord.Pixels?
  let licence: String?

  /// The file in the folder of the weights at `path`; nil where there is none of timm's.
  init?(beside path: String) {
    let folder = path.lastIndex(of: "/").map { String(path[...$0]) } ?? ""
    let file = folder + "config.json"
    guard isFile(file), let bytes = try? MappedFile(path: file),
      let document = try? JSONValue(parsing: ByteSlice(bytes), location: file)
    else { return nil }
    self.init(document, path: file)
  }

  /// Nil for another document than timm's.
  init?(_ document: JSONValue, path: String) {
    guard let architecture = document["architecture"]?.string, let settings = document["pretrained_cfg"],
      settings.object != nil
    else { return nil }
    self.path = path
    self.architecture = architecture
    let size = settings["input_size"]?.array?.compactMap(\.integer) ?? []
    inputSize =
      size.count == 3 && size.dropFirst().allSatisfy { (1...1 << 14).contains($0) } ? (size[1], size[2]) : nil
    func numbers(_ key: String) -> [Double]? {
      settings[key]?.array.flatMap { list in
        let numbers = list.compactMap(\.number)
        return numbers.count == list.count && !numbers.isEmpty ? numbers : nil
      }
    }
    if let mean = numbers("mean"), let deviation = numbers("std") {
      preprocessing = Self.preprocessing(mean: mean, deviation: deviation)
      func text(_ list: [Double]) -> String { list.map { "\($0)" }.joined(separator: ", ") }
      statistics = "mean \(text(mean)) and deviation \(text(deviation))"
    } else {
      (preprocessing, statistics) = (nil, nil)
    }
    pixels = Self.pixels(settings)
    licence = settings["license"]?.string
  }

  private static func preprocessing(mean: [Double], deviation: [Double]) -> Preprocessing? {
    func are(_ numbers: [Double], _ expected: [Double]) -> Bool {
      numbers.count == expected.count && zip(numbers, expected).allSatisfy { abs($0 - $1) < 1e-6 }
    }
    if are(mean, [0.485, 0.456, 0.406]), are(deviation, [0.229, 0.224, 0.225]) { return .torch }
    if mean.allSatisfy({ $0 == 0.5 }), deviation.allSatisfy({ $0 == 0.5 }) { return .tf }
    if mean.allSatisfy({ $0 == 0 }), deviation.allSatisfy({ $0 == 1 }) { return .unit }
    return nil
  }

  /// timm resizes the shorter side to the input's divided by `crop_pct`, and cuts the centre out.
  private static func pixels(_ settings: JSONValue) -> TrainingRecord.Pixels? {
    guard let name = settings["interpolation"]?.string,
      ["nearest", "box", "bilinear", "hamming", "bicubic", "lanczos"].contains(name)
    else { return nil }
    let fraction = settings["crop_pct"]?.number.flatMap { (0.1...1).contains($0) ? $0 : nil }
    let isSquashed = settings["crop_mode"]?.string == "squash"
    return TrainingRecord.Pixels(
      resampling: name, crop: isSquashed ? nil : fraction.map { "\($0)" }, isUpright: false)
  }
}

extension TimmConfiguration {
  /// What the conventions of `variant` become, and its input size unless that was given.
  func applied(to variant: Variant, isSizeGiven: Bool) -> Variant {
    var conventions = variant.conventions
    if statistics != nil { conventions.preprocessing = preprocessing ?? .unknown }
    if let pixels { conventions.pixels = pixels }
    conventions.licence = licence
    var input = variant.input
    if !isSizeGiven, let inputSize { (input.height, input.width) = inputSize }
    return Variant(
      architecture: variant.architecture, definition: variant.definition, input: input, head: variant.head,
      conventions: conventions)
  }

  /// For people.
  var explanation: String {
    statistics == nil || preprocessing != nil
      ? "preprocessing and picture size as \(path) says"
      : "\(path) states \(statistics ?? ""), for which there is no preprocessing"
  }
}
