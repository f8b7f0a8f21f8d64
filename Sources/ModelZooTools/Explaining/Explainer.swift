import ModelZoo
import ZooGraph
import ZooImages
import ZooReference
import ZooSystem
import ZooTensor

/// Finds where in pictures the evidence for classes lies, as `zoo explain` does.
///
///     let explainer = try Explainer(model: model)
///     let explanation = try explainer.explain(picture)
///     try explanation.overlay(on: picture).writePNG(to: "cam.png")
///
/// What follows the last feature map decides how: see ``Explanation/Method``. It can be used from several threads at
/// once.
public struct Explainer: Sendable {
  /// The model whose predictions are explained.
  public let model: Model
  /// How pictures are cropped and resized.
  public var fitting: PictureFitting {
    get { classifier.fitting }
    set {
      classifier.fitting = newValue
      features?.fitting = newValue
    }
  }
  /// How explanations are found.
  public var method: Explanation.Method {
    guard let gradient else { return .occlusion }
    return gradient.isLinear ? .classActivation : .gradient
  }
  /// The layer whose feature map is read; nil for ``Explanation/Method/occlusion``.
  public let layer: String?

  private var classifier: Classifier
  private var features: Backbone?
  private let gradient: ReferenceGradient?
  private let hasLogits: Bool

  /// Prepares a classifier to be explained.
  ///
  /// - Parameters:
  ///   - model: a model, which other users can share.
  ///   - layer: the layer whose feature map (H, W, C) is read; by default the last one before the classifier's head.
  ///   - options: how it runs.
  /// - Throws: `ZooError` with the code `ZooError.Code.unsuitable` where the model is no classifier,
  ///   `ZooError.Code.unknownLayer` where it has no such layer, and `ZooError.Code.invalidArgument` where the layer's
  ///   output is no feature map.
  public init(model: Model, layer: String? = nil, options: RunOptions = RunOptions()) throws(ZooError) {
    self.model = model
    let graph = model.graph
    let logits = try graph.endingInLogits()
    hasLogits = logits != nil
    if let layer {
      guard let node = graph.node(named: layer) else {
        throw ZooError(
          .unknownLayer, what: "no such layer", at: model.path,
          "'\(layer)' is not one of its \(graph.nodes.count) layers",
          remedy: "zoo inspect --layers lists them.")
      }
      guard node.shape.rank == 3 else {
        throw ZooError(
          .invalidArgument, what: "no feature map", at: "layer '\(layer)'",
          "its output is \(node.shape), expected H x W x C")
      }
    }
    let map = layer.flatMap(graph.value(named:)) ?? graph.topFeatures
    let shape = graph[map].shape
    // A map of one pixel says nothing of places.
    guard shape.rank == 3, layer != nil || shape[0] * shape[1] > 1 else {
      (gradient, self.layer, features) = (nil, nil, nil)
      classifier = try Self.hidingClassifier(model, options)
      return
    }
    let gradient = ReferenceGradient(
      graph: logits ?? graph, weights: model.weights, of: graph.outputs[0], by: map)
    guard let gradient, map != graph.outputs[0] else {
      (self.gradient, self.layer, features) = (nil, nil, nil)
      classifier = try Self.hidingClassifier(model, options)
      return
    }
    classifier = try Classifier(model: model, options: options)
    self.gradient = gradient
    self.layer = graph[map].name
    features = try Backbone(
      model: model, layers: ([map] + gradient.constants).map { graph[$0].name }, options: options)
  }

  /// For each picture, this one runs once for every patch.
  private static func hidingClassifier(_ model: Model, _ options: RunOptions) throws(ZooError) -> Classifier {
    var options = options
    options.exampleCount = nil
    return try Classifier(model: model, options: options)
  }

  /// The index of the class that a person calls so: its index, its name or its identifier.
  ///
  /// - Throws: `ZooError` with the code `ZooError.Code.invalidArgument` where there is no such class.
  public func classIndex(named name: String) throws(ZooError) -> Int {
    let count = classifier.outputKind == .twoClasses ? 2 : model.outputShapes[0].elementCount
    let labels = model.classLabels
    if let index = Int(name), (0..<count).contains(index) { return index }
    let wanted = name.lowercased()
    let exact = labels.firstIndex { $0.name.lowercased() == wanted || $0.id.lowercased() == wanted }
    if let exact { return classifier.outputKind == .twoClasses && labels.count == 1 ? 1 : exact }
    let near = labels.indices.filter { labels[$0].name.lowercased().contains(wanted) }
    if near.count == 1 { return near[0] }
    throw ZooError(
      .invalidArgument, what: "no such class", at: model.path, "'\(name)' is none of its \(count) classes",
      remedy: near.isEmpty
        ? nil : "There are " + near.prefix(5).map { "'\(labels[$0].name)'" }.joined(separator: ", ") + ".")
  }

  /// Where in a picture the evidence for a class lies.
  ///
  /// - Parameters:
  ///   - picture: a picture of any size.
  ///   - classIndex: the class; by default the one with the highest value.
  /// - Throws: `ZooError` with the code `ZooError.Code.unsuitable` where the model takes no pictures.
  public func explain(_ picture: Picture, classIndex: Int? = nil) throws(ZooError) -> Explanation {
    let predictions = try classifier.classify(picture, top: Int.max)
    guard let best = predictions.first,
      let prediction = classIndex.map({ index in predictions.first { $0.classIndex == index } }) ?? best
    else {
      throw ZooError(
        .invalidArgument, what: "no such class", at: model.path, "\(classIndex ?? 0) of \(predictions.count)")
    }
    let input = model.inputShape
    let region = try picture.image.region(height: input[0], width: input[1], fitting)
    let map = try ZooError.wrap {
      try gradient == nil ? occlusion(picture, prediction) : activation(picture, prediction)
    }
    return Explanation(
      method: method, layer: layer, prediction: prediction, height: map.height, width: map.width,
      values: map.values, horizontalRange: region.x, verticalRange: region.y)
  }

  private typealias Map = (height: Int, width: Int, values: [Float])

  // MARK: By the feature map

  private func activation(_ picture: Picture, _ prediction: Prediction) throws -> Map {
    guard let gradient, let features else { return (1, 1, [0]) }
    let maps = try features.featuresByLayer(of: [picture])
    let shape = model.graph[gradient.source].shape
    let map = maps[0].tensor.values.map(Double.init)
    // A single value is that of class 1, and speaks against class 0.
    let isTwoClasses = prediction.outputKind == .twoClasses
    let sign: Double = isTwoClasses && prediction.classIndex == 0 ? -1 : 1
    let slopes = try gradient.gradient(
      of: isTwoClasses ? 0 : prediction.classIndex, at: map,
      constants: maps.dropFirst().map { $0.tensor.values.map(Double.init) }
    ).gradient
    let channels = shape[2]
    let pixels = shape[0] * shape[1]
    var mean = [Double](repeating: 0, count: channels)
    for index in slopes.indices { mean[index % channels] += slopes[index] / Double(pixels) }
    let values = (0..<pixels).map { pixel -> Float in
      let sum = (0..<channels).reduce(0.0) { sum, channel in
        let index = pixel * channels + channel
        return sum + map[index] * (gradient.isLinear ? slopes[index] : mean[channel])
      }
      return Float(sum * sign)
    }
    return (shape[0], shape[1], values)
  }

  // MARK: By hiding parts

  /// Patches along each side: each hides a fifth of it, and they overlap by half.
  private static let patchCount = 9

  private func occlusion(_ picture: Picture, _ prediction: Prediction) throws -> Map {
    let input = model.inputShape
    let whole = try picture.image.fitted(height: input[0], width: input[1], fitting)
    var hider = classifier
    // The picture has its size already.
    hider.fitting = PictureFitting()
    func value(_ row: Tensor) -> Float {
      guard prediction.outputKind == .twoClasses else { return row.values[prediction.classIndex] }
      return prediction.classIndex == 1 ? row.values[0] : -row.values[0]
    }
    func values(_ pictures: [Picture]) throws -> [Float] {
      let output = try hasLogits ? hider.logits(of: pictures) : hider.values(of: pictures)
      return pictures.indices.map { value(output[example: $0]) }
    }
    let (rows, columns) = (min(Self.patchCount, whole.height), min(Self.patchCount, whole.width))
    let seen = try values([Picture(image: whole)])[0]
    var result: [Float] = []
    for row in 0..<rows {
      try Cancellation.check()
      let hidden = (0..<columns).map { column in
        Picture(
          image: whole.hiding(
            rows: Self.patch(row, of: rows, side: whole.height),
            columns: Self.patch(column, of: columns, side: whole.width)))
      }
      result += try values(hidden).map { seen - $0 }
    }
    return (rows, columns, result)
  }

  /// The pixels that a patch hides: around the middle of its share of the side.
  private static func patch(_ index: Int, of count: Int, side: Int) -> Range<Int> {
    let middle = (Double(index) + 0.5) / Double(count) * Double(side)
    let half = Double(side) / Double(count)
    return max(0, Int(middle - half))..<min(side, max(Int(middle + half), Int(middle) + 1))
  }
}

extension Image {
  /// The image with a part in grey.
  fileprivate func hiding(rows: Range<Int>, columns: Range<Int>) -> Image {
    var pixels = pixels
    for row in rows {
      for index in (row * width + columns.lowerBound) * 3..<(row * width + columns.upperBound) * 3 {
        pixels[index] = 127
      }
    }
    return Image(width: width, height: height, pixels: pixels)
  }
}
