/// What reached one batch-norm layer, and what the layer has stored of its training; per channel.
package struct BatchNormStatistics: Sendable {
  /// The batch-norm layer's name.
  package let layer: String
  package let storedMean: [Float]
  package let storedVariance: [Float]
  package let epsilon: Double
  package let mean: [Double]
  package let variance: [Double]
  /// Ones where the layer has none.
  package let gamma: [Double]
  /// Zeros where the layer has none.
  package let beta: [Double]
  /// How the layer's output reaches another one, where it does.
  package let succession: BatchNormSuccession?

  /// - Precondition: all arrays have one value per channel.
  package init(
    layer: String, storedMean: [Float], storedVariance: [Float], epsilon: Double, mean: [Double],
    variance: [Double], gamma: [Double]? = nil, beta: [Double]? = nil,
    succession: BatchNormSuccession? = nil
  ) {
    let channels = storedMean.count
    let gamma = gamma ?? Array(repeating: 1, count: channels)
    let beta = beta ?? Array(repeating: 0, count: channels)
    precondition(
      [storedVariance.count, mean.count, variance.count, gamma.count, beta.count]
        .allSatisfy { $0 == channels },
      "one value per channel of \(layer)")
    self.layer = layer
    self.storedMean = storedMean
    self.storedVariance = storedVariance
    self.epsilon = epsilon
    self.mean = mean
    self.variance = variance
    self.gamma = gamma
    self.beta = beta
    self.succession = succession
  }
}

/// The mean and variance of each channel over all pixels of all images that are added.
package struct ChannelMoments: Sendable {
  private var count = 0.0
  private var sums: [Double]
  /// Of squared distances from the current mean: sums of squares would cancel where the mean is large.
  private var squares: [Double]

  package init(channels: Int) {
    sums = [Double](repeating: 0, count: channels)
    squares = sums
  }

  /// Adds values whose last axis is the channels; a part of a pixel at the end is left out.
  package mutating func add(_ values: [Float]) {
    let channels = sums.count
    guard channels > 0 else { return }
    let pixels = values.count / channels
    guard pixels > 0 else { return }
    var added = [Double](repeating: 0, count: channels)
    for start in stride(from: 0, to: pixels * channels, by: channels) {
      for channel in 0..<channels { added[channel] += Double(values[start + channel]) }
    }
    let means = added.map { $0 / Double(pixels) }
    var spread = [Double](repeating: 0, count: channels)
    for start in stride(from: 0, to: pixels * channels, by: channels) {
      for channel in 0..<channels {
        let distance = Double(values[start + channel]) - means[channel]
        spread[channel] += distance * distance
      }
    }
    let total = count + Double(pixels)
    for channel in 0..<channels {
      let shift = count == 0 ? 0 : means[channel] - sums[channel] / count
      squares[channel] += spread[channel] + shift * shift * count * Double(pixels) / total
      sums[channel] += added[channel]
    }
    count = total
  }

  package var mean: [Double] { sums.map { count == 0 ? 0 : $0 / count } }
  package var variance: [Double] { squares.map { count == 0 ? 0 : $0 / count } }
}

/// What a network's batch-norm layers say about its weights.
///
/// A trained layer stores the mean and variance of what reached it in training. Of what reaches it now:
/// - z: the median over channels of |mean - stored mean| / sqrt(stored variance + epsilon);
/// - v: the median over channels of |log((variance + epsilon) / (stored variance + epsilon))|;
/// - r: the correlation over channels of the logarithms of both variances;
/// - m: that of both means, in stored deviations.
///
/// Channels whose stored variance is under a millionth of the layer's median are left out: they are dead.
///
/// Three verdicts follow, from the first layer to the last. The first three layers must agree, or the
/// input is unlike the training data and nothing is said. Where z or v then jumps above both a fixed
/// floor and a multiple of the worst so far, what came before is right and what comes here is not. The
/// multiple lets drift pass, which grows with depth because no substitute for the training data is
/// perfect. A layer's v alone is allowed a wide margin, since the last layers of sound networks see maps
/// of few pixels; the narrow one applies where the channels' order, r, is lost as well, which drift does
/// not do but a foreign tensor does. Likewise z has a wide margin where r and m both keep the order: where weights
/// learned and statistics stayed, as in fine-tuning with frozen batch norms.
///
/// First of all, layers are compared with each other: see ``BatchNormExchange``. That names both layers
/// of an exchange, where the above names the layer at which its effect is seen.
///
/// What can't be seen so: a swap of tensors that are nearly equal in effect, a kernel turned by 180°;
/// faults in the first layer itself, which look like an unknown domain; and faults behind the last batch
/// norm.
package struct BatchNormTestimony: Sendable {
  /// Where the images came from.
  package enum Images: Sendable {
    /// Made by the program: the same ones always.
    case synthetic
    /// Photographs of unknown number and subject, whose contrast varies more.
    case photographs
  }

  /// One layer's deviation from its training.
  package struct Deviation: Sendable {
    package let layer: String
    package let z: Double
    package let v: Double
    package let r: Double
    package let m: Double

    /// Whether no further picture would bring the layer back, if it is the first one.
    var isHopeless: Bool { !isWithin(Tolerances.hopeless) }

    /// Whether neither is larger, and both are numbers.
    func isWithin(_ limit: (z: Double, v: Double)) -> Bool { z <= limit.z && v <= limit.v }
  }

  package enum Verdict: Sendable, Equatable {
    /// All layers agree; the largest z and v, and the layers where they are.
    case agrees(z: Double, zLayer: String, v: Double, vLayer: String)
    /// The layers before `layer` agree and `layer` does not. Wrong is one of its own statistics, or a
    /// weight between `previous`, whose gamma and beta are among them, and it.
    case disagrees(layer: String, previous: String, z: Double, v: Double)
    /// Two layers have each other's tensors.
    case exchanged(BatchNormExchange)
    /// Nothing can be said, and why.
    case noTestimony(String)
  }

  /// Every layer's deviation, in the order of the network.
  package let deviations: [Deviation]
  private let layers: [BatchNormStatistics]
  private let images: Images

  /// Takes the layers of a network in the order in which they run.
  package init(_ layers: [BatchNormStatistics], images: Images = .synthetic) {
    self.layers = layers
    self.images = images
    deviations = layers.map(Deviation.init)
  }

  /// What the layers say, each by itself and compared with each other. Found anew at each call.
  package var verdict: Verdict {
    if isUntrained { return ownVerdict }
    return BatchNormExchange.find(in: layers, images: images).map(Verdict.exchanged) ?? ownVerdict
  }

  /// What the layers say, each by itself.
  private var ownVerdict: Verdict { verdict(start: Tolerances.firstLayer(images)) }

  /// Whether all layers agree with the preprocessing of the images, and whether they say anything about it.
  private var preprocessingVerdict: Verdict { verdict(start: Tolerances.preprocessing) }

  private func verdict(start: (z: Double, v: Double)) -> Verdict {
    if layers.isEmpty { return .noTestimony("the network has no batch normalization") }
    if isUntrained { return .noTestimony("the batch-norm statistics were never trained") }
    return Self.verdict(deviations, start: start)
  }

  private var isUntrained: Bool {
    layers.allSatisfy { layer in
      layer.storedMean.allSatisfy { $0 == 0 } && layer.storedVariance.allSatisfy { $0 == 1 }
    }
  }

  /// Whether the first layer deviates by so much that no further picture will bring it back.
  package var isFarFromTraining: Bool {
    deviations.first?.isHopeless ?? true
  }

  /// The first layer's larger deviation, z or v, where it is beyond all that another subject explains.
  package var misfit: Double? {
    guard let first = deviations.first, isFarFromTraining, !isUntrained else { return nil }
    return first.z.isFinite && first.v.isFinite ? max(first.z, first.v) : nil
  }

  /// The largest deviation, z or v, of the first layers, which tell whether images are like those of training.
  package var startError: Double? {
    deviations.prefix(Tolerances.firstLayers.count).flatMap { [$0.z, $0.v] }.filter(\.isFinite).max()
  }

  /// The preprocessing mode that the weights were trained with, where it is another than `given`.
  ///
  /// Returns a mode only where the first layers disagree under `given` and all layers agree under that
  /// mode alone.
  package static func suggestedMode<Mode: Hashable>(
    insteadOf given: Mode, testimonies: [Mode: BatchNormTestimony]
  ) -> Mode? {
    guard testimonies[given]?.mayHaveOtherPreprocessing == true else { return nil }
    return onlyMode(of: testimonies.filter { $0.key != given })
  }

  /// The only mode under which all layers agree, if there is exactly one.
  package static func onlyMode<Mode: Hashable>(of testimonies: [Mode: BatchNormTestimony]) -> Mode? {
    let agreeing = testimonies.filter { _, testimony in
      if case .agrees = testimony.preprocessingVerdict { true } else { false }
    }
    return agreeing.count == 1 ? agreeing.keys.first : nil
  }

  /// Whether the first layers disagree, as they do with wrong preprocessing.
  package var mayHaveOtherPreprocessing: Bool {
    if case .noTestimony = preprocessingVerdict { true } else { false }
  }

  private static func verdict(_ deviations: [Deviation], start: (z: Double, v: Double)) -> Verdict {
    var worstZ = deviations[0]
    var worstV = deviations[0]
    for (index, layer) in deviations.enumerated() {
      // A value that is not a number fails every comparison, so each is written as what must hold.
      if index == 0 {
        guard layer.z <= start.z, layer.v <= start.v else { return unlike(layer) }
      } else if !isGradual(layer, after: worstZ.z, worstV.v) {
        let previous = deviations[index - 1].layer
        return .disagrees(layer: layer.layer, previous: previous, z: layer.z, v: layer.v)
      }
      if layer.z > worstZ.z { worstZ = layer }
      if layer.v > worstV.v { worstV = layer }
      let first = Tolerances.firstLayers
      if index < first.count, worstZ.z > first.z || worstV.v > first.v { return unlike(layer) }
      if worstZ.z > Tolerances.drift.z { return drifted(layer) }
    }
    guard worstV.v < Tolerances.drift.v else { return drifted(worstV) }
    return .agrees(z: worstZ.z, zLayer: worstZ.layer, v: worstV.v, vLayer: worstV.layer)
  }

  private static func isGradual(_ layer: Deviation, after z: Double, _ v: Double) -> Bool {
    let (jump, narrow, wide) = (Tolerances.jump, Tolerances.narrowJump, Tolerances.wideJump)
    let variancesKeepTheirOrder = layer.r >= Tolerances.order.r
    let channelsKeepTheirOrder = variancesKeepTheirOrder && layer.m >= Tolerances.order.m
    return
      (layer.z <= max(jump.z, jump.timesZ * z)
      || channelsKeepTheirOrder && layer.z <= max(wide.z, wide.timesZ * z))
      && layer.v <= max(jump.v, jump.timesV * v)
      && (layer.v <= max(narrow.v, narrow.timesV * v) || variancesKeepTheirOrder)
  }

  private static func unlike(_ layer: Deviation) -> Verdict {
    .noTestimony(
      "the first layers were trained on input unlike these images (\(layer.layer): z \(rounded(layer.z)), "
        + "v \(rounded(layer.v)))")
  }

  private static func drifted(_ layer: Deviation) -> Verdict {
    .noTestimony(
      "the statistics drift gradually from those of training (\(layer.layer): z \(rounded(layer.z)), "
        + "v \(rounded(layer.v)))")
  }

  private static func rounded(_ value: Double) -> Double { (value * 100).rounded() / 100 }
}
