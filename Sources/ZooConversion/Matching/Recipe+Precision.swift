import ZooFormat
import ZooWeightFiles

extension SourcePrecision {
  /// The least exact one that a Keras configuration's dtype policies name; nil where all layers compute in 32 bits
  /// or more.
  init?(of configuration: JSONValue) {
    var found: Set<SourcePrecision> = []
    func visit(_ value: JSONValue) {
      switch value {
      case .object(let members):
        // The dtype of an InputLayer is that of the data.
        let isLayer = members["class_name"] != nil && members["class_name"]?.string != "InputLayer"
        if isLayer, let dtype = members["config"]?["dtype"], let precision = SourcePrecision(policy: dtype) {
          found.insert(precision)
        }
        members.values.forEach(visit)
      case .array(let items): items.forEach(visit)
      default: break
      }
    }
    visit(configuration)
    guard let coarsest = [.int8, .bfloat16, .float16].first(where: found.contains) else { return nil }
    self = coarsest
  }

  /// From `"mixed_float16"`, or the dictionary of a policy.
  private init?(policy: JSONValue) {
    let config = policy["config"]
    let name = policy.string ?? config?["mode"]?.string ?? config?["name"]?.string ?? ""
    if name.hasPrefix("int8") {
      self = .int8
    } else if let precision = SourcePrecision(rawValue: name.replacing("mixed_", with: "")) {
      self = precision
    } else {
      return nil
    }
  }
}
