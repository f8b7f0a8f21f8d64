import ZooGraph
import ZooWeightFiles

// What a configuration says for training. Nothing in it changes what the network computes, and so what can't
// be understood is left out and never refused.
extension KerasLayer {
  /// What training needs to know of the layer's weights; its roles may be more than the layer has.
  func training(isFrozen: Bool) -> LayerTraining {
    var training = LayerTraining()
    training.isFrozen = isFrozen || members["trainable"]?.flag == false
    if className.hasSuffix("BatchNormalization"), let momentum = members["momentum"]?.number,
      momentum != LayerTraining.usualMomentum
    {
      training.momentum = momentum
    }
    for (prefix, role) in Self.roles {
      let old = Self.firstNames[role]
      let penalty = members["\(prefix)_regularizer"] ?? old.flatMap { members[$0.penalty] }
      if let regularizer = Self.regularizer(penalty) { training.regularizers[role] = regularizer }
      let start = members["\(prefix)_initializer"] ?? old.flatMap { members[$0.start] }
      if let initializer = Self.initializer(start), initializer != .usual(for: role) {
        training.initializers[role] = initializer
      }
    }
    // ConvNeXt's LayerScale.
    if className == "LayerScale", let value = members["init_values"]?.number, value != 1 {
      training.initializers[.gamma] = .constant(value)
    }
    return training
  }

  /// What the names of a weight's attributes begin with.
  static let roles: [(prefix: String, role: WeightRole)] = [
    ("kernel", .kernel), ("depthwise", .depthwiseKernel), ("pointwise", .pointwiseKernel), ("bias", .bias),
    ("gamma", .gamma), ("beta", .beta), ("alpha", .alpha), ("moving_mean", .movingMean),
    ("moving_variance", .movingVariance),
  ]

  /// What Keras 1 calls the attributes, where that is something else.
  private static let firstNames: [WeightRole: (penalty: String, start: String)] = [
    .kernel: ("W_regularizer", "init"), .bias: ("b_regularizer", "b_init"),
    .gamma: ("gamma_regularizer", "gamma_init"), .beta: ("beta_regularizer", "beta_init"),
    .alpha: ("alpha_regularizer", "init"),
  ]

  // MARK: Noise

  /// What the layer does to values in training; nil for layers that do nothing then.
  var noise: TrainingNoise? {
    // Keras 1 has `p` and `sigma`.
    let rate = ["rate", "p", "drop_path_rate"].lazy.compactMap { members[$0]?.number }.first
    let noise: TrainingNoise?
    switch className {
    case "Dropout", "FixedDropout": noise = rate.map { TrainingNoise(maskKind, $0) }
    case "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D":
      let isFirst = members["data_format"]?.string == "channels_first"
      noise = isFirst ? nil : rate.map { TrainingNoise(.spatialDropout, $0) }
    case "StochasticDepth", "DropPath": noise = rate.map { TrainingNoise(.stochasticDepth, $0) }
    case "GaussianDropout": noise = rate.map { TrainingNoise(.gaussianDropout, $0) }
    case "GaussianNoise":
      noise = (members["stddev"] ?? members["sigma"])?.number.map { TrainingNoise(.gaussianNoise, $0) }
    case "AlphaDropout": noise = rate.map { TrainingNoise(.alphaDropout, $0) }
    default: noise = nil
    }
    return noise?.isValid == true ? noise : nil
  }

  /// What a dropout drops together: what its `noise_shape` has one place for. Other shapes than those of
  /// whole channels and examples are taken for none.
  private var maskKind: TrainingNoise.Kind {
    guard let shape = members["noise_shape"]?.array, shape.count > 1 else { return .dropout }
    let inner = shape.dropFirst()
    if inner.allSatisfy({ $0.integer == 1 }) { return .stochasticDepth }
    return inner.count > 1 && inner.dropLast().allSatisfy { $0.integer == 1 } ? .spatialDropout : .dropout
  }

  // MARK: Regularizers and initializers

  /// A name as Keras takes it in any writing: `glorot_uniform`, `GlorotUniform`.
  private static func bare(_ name: String) -> String {
    name.lowercased().filter { $0 != "_" }
  }

  /// The name and the arguments of a serialized object: `{"class_name": …, "config": {…}}`, `{"name": …, …}`
  /// as Keras 1 has it, or a name alone.
  private static func parts(_ value: JSONValue?) -> (name: String, arguments: JSONValue)? {
    if let name = value?.string { return (bare(name), .null) }
    guard let value, let name = value["class_name"]?.string ?? value["name"]?.string else { return nil }
    return (bare(name), value["config"] ?? value)
  }

  private static func number(_ arguments: JSONValue, _ key: String, _ usual: Double) -> Double? {
    guard let value = arguments[key], value != .null else { return usual }
    let numbers = numbers(value)
    return numbers?.count == 1 ? numbers?.first : nil
  }

  /// The penalties L1 and L2 in the forms of all versions; nil for others.
  static func regularizer(_ value: JSONValue?) -> Regularizer? {
    guard let (name, arguments) = parts(value) else { return nil }
    // By its name alone, a penalty has the factor 0.01.
    let usual = arguments == .null ? 0.01 : 0
    let hasL1 = ["l1", "l1l2", "weightregularizer", "l1l2regularizer"].contains(name)
    let hasL2 = ["l2", "l1l2", "weightregularizer", "l1l2regularizer"].contains(name)
    guard hasL1 || hasL2, let l1 = hasL1 ? number(arguments, "l1", usual) : 0,
      let l2 = hasL2 ? number(arguments, "l2", usual) : 0
    else { return nil }
    let isSensible = l1 >= 0 && l2 >= 0 && l1.isFinite && l2.isFinite && l1 + l2 > 0
    return isSensible ? Regularizer(l1: l1, l2: l2) : nil
  }

  private static let namedInitializers: [String: Initializer] = [
    "zeros": .zeros, "zero": .zeros, "ones": .ones, "one": .ones, "glorotuniform": .glorotUniform,
    "glorotnormal": .glorotNormal, "heuniform": .heUniform, "henormal": .heNormal,
    "lecununiform": .lecunUniform, "lecunnormal": .lecunNormal,
  ]

  /// An initializer in the forms of all versions; nil for others, such as identities.
  static func initializer(_ value: JSONValue?) -> Initializer? {
    guard let (name, arguments) = parts(value) else { return nil }
    if let named = namedInitializers[name] { return named }
    let initializer: Initializer?
    switch name {
    case "constant": initializer = number(arguments, "value", 0).map { .constant($0) }
    case "uniform", "randomuniform":
      initializer = number(arguments, "minval", -0.05).flatMap { low in
        number(arguments, "maxval", 0.05).map { .uniform(low: low, high: $0) }
      }
    case "normal", "randomnormal", "truncatednormal":
      initializer = number(arguments, "mean", 0).flatMap { mean in
        number(arguments, "stddev", 0.05).map {
          name == "truncatednormal"
            ? .truncatedNormal(mean: mean, deviation: $0) : .normal(mean: mean, deviation: $0)
        }
      }
    case "variancescaling": initializer = varianceScaling(arguments)
    case "orthogonal", "orthogonalinitializer":
      initializer = number(arguments, "gain", 1).map { .orthogonal(gain: $0) }
    default: initializer = nil
    }
    return initializer?.isValid == true ? initializer : nil
  }

  private static func varianceScaling(_ arguments: JSONValue) -> Initializer? {
    let distribution = arguments["distribution"]?.string ?? "truncated_normal"
    guard let scale = number(arguments, "scale", 1),
      let mode = Initializer.VarianceScaling.Mode(rawValue: arguments["mode"]?.string ?? "fan_in"),
      // Plain `normal` has always been truncated.
      let kind = Initializer.VarianceScaling.Distribution(
        rawValue: distribution == "normal" ? "truncated_normal" : distribution)
    else { return nil }
    return .varianceScaling(.init(scale, mode, kind))
  }
}
