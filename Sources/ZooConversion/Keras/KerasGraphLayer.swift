import ZooGraph
import ZooWeightFiles

/// One layer of a configuration, with checked access to its attributes.
struct KerasLayer {
  let className: String
  let name: String
  /// Its `config`.
  let members: [String: JSONValue]
  /// The whole of it, with `inbound_nodes`.
  let document: JSONValue

  init(_ document: JSONValue, in model: String) throws(ConversionError) {
    guard let className = document["class_name"]?.string else {
      throw malformed(model, "a layer has no class_name")
    }
    // A bare list is what Keras before 2.2.3 wrote for a Sequential.
    let members = document["config"]?.object ?? [:]
    guard let name = members["name"]?.string ?? document["name"]?.string, !name.isEmpty else {
      throw malformed(model, "a layer of class \(className) has no name")
    }
    self.className = className
    self.name = name
    self.members = members
    self.document = document
  }

  init(className: String, name: String, members: [String: JSONValue]) {
    self.className = className
    self.name = name
    self.members = members
    self.document = .null
  }

  /// The class in Keras 3's weight store, where every functional model is `functional`.
  var storeName: String { className == "Model" ? "functional" : kerasSnakeCase(className) }

  func unsupported(
    _ why: String, remedy: String = "change or remove the layer in Keras, and save the model again"
  ) -> ConversionError {
    ConversionError("unsupported layer", at: "layer '\(name)' (\(className))", why, remedy: remedy)
  }

  func malformedAttribute(_ key: String, _ expected: String) -> ConversionError {
    ConversionError(
      "malformed Keras configuration", at: "layer '\(name)' (\(className))",
      members[key] == nil ? "it has no '\(key)'" : "its '\(key)' is not \(expected)")
  }

  // MARK: Attributes

  func integer(_ key: String) throws(ConversionError) -> Int {
    guard let value = members[key]?.integer else { throw malformedAttribute(key, "a whole number") }
    return value
  }

  /// A whole number that older writers leave out.
  func integer(_ key: String, whereAbsent absent: Int) throws(ConversionError) -> Int {
    members[key] == nil ? absent : try integer(key)
  }

  func number(_ key: String) throws(ConversionError) -> Double {
    guard let value = members[key]?.number else { throw malformedAttribute(key, "a number") }
    return value
  }

  func bool(_ key: String) throws(ConversionError) -> Bool {
    guard let value = members[key]?.bool else { throw malformedAttribute(key, "true or false") }
    return value
  }

  /// Height and width, as `[3, 3]` or as one number for both.
  func extent(_ key: String) throws(ConversionError) -> Extent2D {
    if let side = members[key]?.integer { return Extent2D(side) }
    guard let pair = members[key]?.array, pair.count == 2, let height = pair[0].integer,
      let width = pair[1].integer
    else { throw malformedAttribute(key, "a pair of whole numbers") }
    return Extent2D(height, width)
  }

  /// `[[top, bottom], [left, right]]`, `[rows, columns]` or one number for all four.
  func edges(_ key: String) throws(ConversionError) -> Edges {
    if let amount = members[key]?.integer { return Edges(all: amount) }
    func ends(_ value: JSONValue) -> (Int, Int)? {
      if let both = value.integer { return (both, both) }
      guard let pair = value.array, pair.count == 2, let a = pair[0].integer, let b = pair[1].integer else {
        return nil
      }
      return (a, b)
    }
    guard let axes = members[key]?.array, axes.count == 2, let rows = ends(axes[0]),
      let columns = ends(axes[1])
    else { throw malformedAttribute(key, "[[top, bottom], [left, right]]") }
    return Edges(top: rows.0, bottom: rows.1, left: columns.0, right: columns.1)
  }

  func padding() throws(ConversionError) -> Padding {
    guard let text = members["padding"]?.string else { throw malformedAttribute("padding", "a name") }
    switch text.lowercased() {
    case "valid": return .valid
    case "same": return .same
    default: throw unsupported("its padding is '\(text)'; supported are 'valid' and 'same'")
    }
  }

  /// Refuses images whose channels come first. `mayBeAbsent` for classes that have not always had it.
  func checkDataFormat(mayBeAbsent: Bool = false) throws(ConversionError) {
    let format = members["data_format"]
    if format == nil || format == .null {
      guard mayBeAbsent else { throw malformedAttribute("data_format", "a name") }
      return
    }
    guard format?.string == "channels_last" else {
      throw unsupported(
        "its data_format is '\(format?.string ?? "?")'; only 'channels_last' is supported",
        remedy: "rebuild the model with channels_last, load the weights and save it again")
    }
  }

  /// Refuses an axis other than the last one of an output with `rank` axes per example.
  func checkLastAxis(rank: Int?) throws(ConversionError) {
    let value = members["axis"]
    let axes = value?.array ?? value.map { [$0] } ?? []
    guard axes.count == 1, let axis = axes[0].integer else {
      throw value == nil || axes.count != 1
        ? unsupported("its axis is not the last one") : malformedAttribute("axis", "a whole number")
    }
    guard axis == -1 || axis == rank else { throw unsupported("its axis is \(axis), not the last one") }
  }

  /// A named activation, or the dictionary with which Keras 3 writes a function.
  func activation(_ key: String = "activation") throws(ConversionError) -> Activation {
    guard let value = members[key] else { throw malformedAttribute(key, "an activation") }
    if value == .null { return .linear }
    guard let name = value.string ?? value["config"]?.string else {
      throw unsupported("its activation is \(value["class_name"]?.string ?? "not named")")
    }
    switch name {
    case "linear": return .linear
    case "relu": return .relu
    case "relu6": return .relu6
    case "sigmoid": return .sigmoid
    case "tanh": return .tanh
    case "softmax": return .softmax
    default:
      throw unsupported(
        "its activation is '\(name)'; supported are linear, relu, relu6, sigmoid, softmax and tanh")
    }
  }
}
