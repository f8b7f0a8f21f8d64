import ZooWeightFiles

/// Which generation of Keras wrote a configuration. Names and structure tell themselves apart; what one
/// name means can have changed.
enum KerasDialect: Sendable {
  case keras1, keras2, keras3

  /// From `keras 2.3.1`; nil where it says nothing.
  init?(writer: String?) {
    guard let version = writer?.split(separator: " ").last, let major = version.split(separator: ".").first
    else { return nil }
    switch major {
    case "0", "1": self = .keras1
    case "2": self = .keras2
    case "3": self = .keras3
    default: return nil
    }
  }

  /// From what only one generation writes.
  init(of configuration: JSONValue) {
    if KerasDialect.any(configuration, { $0["nb_filter"] != nil || $0["border_mode"] != nil }) {
      self = .keras1
    } else if KerasDialect.any(configuration, { $0["batch_input_shape"] != nil }) {
      self = .keras2
    } else {
      self = .keras3
    }
  }

  private static func any(_ value: JSONValue, _ condition: (JSONValue) -> Bool) -> Bool {
    switch value {
    case .object(let members): condition(value) || members.values.contains { any($0, condition) }
    case .array(let items): items.contains { any($0, condition) }
    default: false
    }
  }
}

/// Keras 1's names for what Keras 2 and 3 call otherwise.
enum KerasFirstGeneration {
  private static let classes = [
    "Convolution2D": "Conv2D", "AtrousConvolution2D": "Conv2D", "SeparableConvolution2D": "SeparableConv2D",
    "Deconvolution2D": "Conv2DTranspose",
  ]

  private static let members = [
    "nb_filter": "filters", "subsample": "strides", "border_mode": "padding", "bias": "use_bias",
    "output_dim": "units", "atrous_rate": "dilation_rate",
  ]

  private static let merges = [
    "sum": "Add", "mul": "Multiply", "ave": "Average", "max": "Maximum", "concat": "Concatenate",
  ]

  /// The class and members in the terms of Keras 2; as they are where they are not Keras 1's.
  static func renamed(
    _ className: String, _ original: [String: JSONValue]
  ) -> (className: String, members: [String: JSONValue]) {
    var result = original
    let isFirst =
      original["nb_filter"] != nil || original["border_mode"] != nil || original["dim_ordering"] != nil
      || original["output_dim"] != nil && className == "Dense" || className == "Merge"
      || className == "BatchNormalization" && original["mode"] != nil
    guard isFirst else { return (className, original) }
    for (old, new) in members {
      if let value = result.removeValue(forKey: old) { result[new] = value }
    }
    if let rows = original["nb_row"], let columns = original["nb_col"] {
      result["kernel_size"] = .array([rows, columns])
    }
    switch original["dim_ordering"]?.string {
    case "tf": result["data_format"] = .string("channels_last")
    case "th": result["data_format"] = .string("channels_first")
    default: break
    }
    if className == "BatchNormalization" {
      result["scale"] = .bool(true)
      result["center"] = .bool(true)
    }
    if className == "Merge", let mode = original["mode"]?.string, let name = merges[mode] {
      if name == "Concatenate" { result["axis"] = original["concat_axis"] ?? .number(-1) }
      return (name, result)
    }
    return (classes[className] ?? className, result)
  }
}
