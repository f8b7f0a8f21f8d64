import ZooSystem

/// The value of an operation's attribute, as it is stored and printed.
public enum AttributeValue: Sendable, Hashable {
  /// A number, such as how many filters there are.
  case int(Int)
  /// A number, such as an epsilon.
  case double(Double)
  /// Whether something is so, such as whether there is a bias.
  case bool(Bool)
  /// A name, such as an activation's.
  case string(String)
  /// Several numbers: [height, width] of windows and strides, [top, bottom, left, right] of edges.
  case ints([Int])
  /// Several numbers, such as a scale for each channel.
  case doubles([Double])
}

extension AttributeValue {
  static func extent(_ extent: Extent2D) -> AttributeValue { .ints([extent.height, extent.width]) }

  static func edges(_ edges: Edges) -> AttributeValue {
    .ints([edges.top, edges.bottom, edges.left, edges.right])
  }

  static func padding(_ padding: Padding) -> AttributeValue {
    switch padding {
    case .valid: .string("valid")
    case .same: .string("same")
    case .explicit(let edges): .edges(edges)
    }
  }
}

/// Takes an operation's attributes one by one, and knows which are left.
struct AttributeFields {
  private var values: [(name: String, value: AttributeValue)]
  let kind: String
  private let layer: String

  init(_ attributes: [(String, AttributeValue)], kind: String, layer: String) throws(ZooError) {
    self.values = attributes.map { (name: $0.0, value: $0.1) }
    self.kind = kind
    self.layer = layer
    guard Set(attributes.map(\.0)).count == attributes.count else {
      throw invalid("an attribute of the \(kind) is given twice")
    }
  }

  private mutating func take(_ name: String) throws(ZooError) -> AttributeValue {
    guard let index = values.firstIndex(where: { $0.name == name }) else {
      throw invalid("the \(kind) has no attribute '\(name)'")
    }
    return values.remove(at: index).value
  }

  /// The attribute `name` is not what it has to be.
  func mismatch(_ name: String, _ expected: String) -> ZooError {
    invalid("attribute '\(name)' of the \(kind) is not \(expected)")
  }

  func invalid(_ why: String) -> ZooError { ZooError.invalidNetwork(layer: layer, why) }

  /// Whether there is an attribute `name` that was not taken yet.
  func has(_ name: String) -> Bool { values.contains { $0.name == name } }

  mutating func int(_ name: String) throws(ZooError) -> Int {
    guard case .int(let value) = try take(name) else { throw mismatch(name, "an integer") }
    return value
  }

  mutating func double(_ name: String) throws(ZooError) -> Double {
    guard case .double(let value) = try take(name), value.isFinite else {
      throw mismatch(name, "a finite number")
    }
    return value
  }

  mutating func bool(_ name: String) throws(ZooError) -> Bool {
    guard case .bool(let value) = try take(name) else { throw mismatch(name, "a truth value") }
    return value
  }

  mutating func string(_ name: String) throws(ZooError) -> String {
    guard case .string(let value) = try take(name) else { throw mismatch(name, "a text") }
    return value
  }

  mutating func ints(_ name: String) throws(ZooError) -> [Int] {
    guard case .ints(let values) = try take(name) else { throw mismatch(name, "a list of integers") }
    return values
  }

  mutating func doubles(_ name: String) throws(ZooError) -> [Double] {
    guard case .doubles(let values) = try take(name), values.allSatisfy(\.isFinite) else {
      throw mismatch(name, "a list of finite numbers")
    }
    return values
  }

  mutating func extent(_ name: String) throws(ZooError) -> Extent2D {
    let values = try ints(name)
    guard values.count == 2 else { throw mismatch(name, "[height, width]") }
    return Extent2D(values[0], values[1])
  }

  mutating func edges(_ name: String) throws(ZooError) -> Edges {
    let values = try ints(name)
    guard values.count == 4 else { throw mismatch(name, "[top, bottom, left, right]") }
    return Edges(top: values[0], bottom: values[1], left: values[2], right: values[3])
  }

  mutating func padding() throws(ZooError) -> Padding {
    switch try take("padding") {
    case .string("valid"): return .valid
    case .string("same"): return .same
    case .ints(let values) where values.count == 4:
      return .explicit(Edges(top: values[0], bottom: values[1], left: values[2], right: values[3]))
    default: throw mismatch("padding", "'same', 'valid' or [top, bottom, left, right]")
    }
  }

  /// Throws where an attribute was not taken.
  func checkAllUsed() throws(ZooError) {
    if let extra = values.first {
      throw invalid("the \(kind) has an unknown attribute '\(extra.name)'")
    }
  }
}
