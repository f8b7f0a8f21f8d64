import ZooGraph
import ZooSystem
import ZooWeightFiles

/// One layer of a configuration, with checked access to its attributes.
struct KerasLayer {
  let className: String
  let name: String
  /// Its `config`.
  let members: [String: JSONValue]
  /// The whole of it, with `inbound_nodes`.
  let document: JSONValue
  let dialect: KerasDialect

  init(_ document: JSONValue, in model: String, dialect: KerasDialect) throws(ZooError) {
    guard let className = document["class_name"]?.string else {
      throw malformed(model, "a layer has no class_name")
    }
    // A bare list is what Keras before 2.2.3 wrote for a Sequential.
    let members = document["config"]?.object ?? [:]
    guard let name = members["name"]?.string ?? document["name"]?.string, !name.isEmpty else {
      throw malformed(model, "a layer of class \(className) has no name")
    }
    self.name = name
    (self.className, self.members) = KerasFirstGeneration.renamed(className, members)
    self.document = document
    self.dialect = dialect
  }

  init(
    className: String, name: String, members: [String: JSONValue], document: JSONValue = .null,
    dialect: KerasDialect
  ) {
    self.className = className
    self.name = name
    self.members = members
    self.document = document
    self.dialect = dialect
  }

  /// The same layer with another attribute.
  func with(_ key: String, _ value: JSONValue) -> KerasLayer {
    var members = members
    members[key] = value
    return KerasLayer(
      className: className, name: name, members: members, document: document, dialect: dialect)
  }

  /// Whether it is a Sequential or Functional model inside a model.
  var isModel: Bool { KerasModel.classNames.contains(className) }

  /// Classes of functions of TensorFlow that Keras 2 has wrapped.
  private static let functionClasses: Set<String> = [
    "TFOpLambda", "SlicingOpLambda", "ClassMethod", "InstanceMethod", "InstanceProperty", "TensorFlowOpLayer",
  ]

  /// Whether it is a function of tensors and not a layer: an operation of Keras 3, or one of TensorFlow
  /// that Keras 2 has wrapped.
  var isFunction: Bool {
    if KerasLayer.functionClasses.contains(className) { return true }
    if let module = document["module"]?.string {
      return module.hasPrefix("keras.src.ops") || module.hasPrefix("keras.ops")
    }
    // Keras 3's HDF5 has no modules; what its layers have, but for these, and no operation has is `trainable`.
    return document["inbound_nodes"]?.array?.first?["args"] != nil && members["trainable"] == nil && !isModel
      && !className.hasPrefix("SpatialDropout") && className != "Discretization"
  }

  /// The class in Keras 3's weight store, where every functional model is `functional`.
  var storeName: String { className == "Model" ? "functional" : kerasSnakeCase(className) }

  static let unsupportedLayer = "unsupported layer"

  func unsupported(
    _ why: String, remedy: String = "Change or remove the layer in Keras, and save the model again."
  ) -> ZooError {
    ZooError(
      .unsupported, what: KerasLayer.unsupportedLayer, at: "layer '\(name)' (\(className))", why,
      remedy: remedy)
  }

  func malformedAttribute(_ key: String, _ expected: String) -> ZooError {
    ZooError(
      .malformed, what: "malformed Keras configuration", at: "layer '\(name)' (\(className))",
      members[key] == nil ? "it has no '\(key)'" : "its '\(key)' is not \(expected)")
  }

  // MARK: Attributes

  func integer(_ key: String) throws(ZooError) -> Int {
    guard let value = members[key]?.integer else { throw malformedAttribute(key, "a whole number") }
    return value
  }

  /// A whole number that older writers leave out.
  func integer(_ key: String, whereAbsent absent: Int) throws(ZooError) -> Int {
    members[key] == nil ? absent : try integer(key)
  }

  func number(_ key: String) throws(ZooError) -> Double {
    guard let value = members[key]?.number else { throw malformedAttribute(key, "a number") }
    return value
  }

  /// A number that older writers leave out.
  func number(_ key: String, whereAbsent absent: Double) throws(ZooError) -> Double {
    members[key] == nil || members[key] == .null ? absent : try number(key)
  }

  /// True or false where older writers leave it out.
  func bool(_ key: String, whereAbsent absent: Bool) throws(ZooError) -> Bool {
    members[key] == nil ? absent : try bool(key)
  }

  func bool(_ key: String) throws(ZooError) -> Bool {
    guard let value = members[key]?.flag else { throw malformedAttribute(key, "true or false") }
    return value
  }

  /// Height and width, as `[3, 3]` or as one number for both.
  func extent(_ key: String) throws(ZooError) -> Extent2D {
    if let side = members[key]?.integer { return Extent2D(side) }
    guard let pair = members[key]?.array, pair.count == 2, let height = pair[0].integer,
      let width = pair[1].integer
    else { throw malformedAttribute(key, "a pair of whole numbers") }
    return Extent2D(height, width)
  }

  /// `[[top, bottom], [left, right]]`, `[rows, columns]` or one number for all four.
  func edges(_ key: String) throws(ZooError) -> Edges {
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

  func padding() throws(ZooError) -> Padding {
    guard let text = members["padding"]?.string else { throw malformedAttribute("padding", "a name") }
    switch text.lowercased() {
    case "valid": return .valid
    case "same": return .same
    default: throw unsupported("its padding is '\(text)'; supported are 'valid' and 'same'")
    }
  }

  /// Refuses images whose channels come first. `mayBeAbsent` for classes that have not always had it.
  func checkDataFormat(mayBeAbsent: Bool = false) throws(ZooError) {
    let format = members["data_format"]
    if format == nil || format == .null {
      guard mayBeAbsent else { throw malformedAttribute("data_format", "a name") }
      return
    }
    guard format?.string == "channels_last" else {
      throw unsupported(
        "its data_format is '\(format?.string ?? "?")'; only 'channels_last' is supported",
        remedy: "Rebuild the model with channels_last, load the weights and save it again.")
    }
  }

  /// The only axis that `key` names, counted from 0 for one example of `rank` axes.
  func axis(_ key: String = "axis", rank: Int) throws(ZooError) -> Int {
    guard let axis = try axes(key, rank: rank).first else { throw malformedAttribute(key, "an axis") }
    guard try axes(key, rank: rank).count == 1 else { throw unsupported("it has several axes") }
    return axis
  }

  /// The axes that `key` names, ascending, counted from 0 for one example of `rank` axes.
  func axes(_ key: String = "axis", rank: Int) throws(ZooError) -> [Int] {
    guard let value = members[key] else { throw malformedAttribute(key, "an axis") }
    var axes: [Int] = []
    for item in value.array ?? [value] {
      guard let axis = item.integer else { throw malformedAttribute(key, "an axis") }
      guard axis != 0, axis >= -rank, axis <= rank else {
        throw unsupported("its axis is \(axis), but there are only \(rank) axes and the batch axis")
      }
      axes.append(axis > 0 ? axis - 1 : axis + rank)
    }
    guard Set(axes).count == axes.count else { throw malformedAttribute(key, "different axes") }
    return axes.sorted()
  }

  /// One number, or a list of numbers nested in any way, also as Keras 3 writes a tensor or NumPy array.
  func numbers(_ value: JSONValue) -> [Double]? { KerasLayer.numbers(value) }

  static func numbers(_ value: JSONValue) -> [Double]? {
    if let number = value.number { return [number] }
    if let array = value["config"]?["value"] { return numbers(array) }
    guard let items = value.array else { return nil }
    var all: [Double] = []
    for item in items {
      guard let inner = numbers(item) else { return nil }
      all += inner
    }
    return all
  }
}
