/// What an ONNX file holds, read by the numbers of onnx.proto.
package struct ONNXContents {
  package enum Attribute: Equatable {
    case int(Int)
    case float(Float)
    case text(String)
    case ints([Int])
  }

  package struct Node {
    package let type: String
    package let name: String
    package let inputs: [String]
    package let outputs: [String]
    package let attributes: [String: Attribute]
  }

  package struct Initializer {
    package let name: String
    package let shape: [Int]
    /// As `TensorProto.DataType` numbers it: 1 is float, 7 int64.
    package let type: Int
    /// Empty where the bytes lie in another file.
    package let bytes: [UInt8]
    /// Where they lie in another file.
    package let external: [String: String]
  }

  package struct Value {
    package let name: String
    /// Numbers, or names of extents that are open.
    package let shape: [String]
    package let remark: String
  }

  package let irVersion: Int?
  package let opset: Int?
  package let producer: String
  package let metadata: [String: String]
  package let name: String
  package let nodes: [Node]
  package let initializers: [Initializer]
  package let inputs: [Value]
  package let outputs: [Value]

  package init(_ bytes: [UInt8]) throws {
    let model = try ProtobufFields(bytes[...])
    irVersion = model.int(1)
    opset = try model.messages(8).first?.int(2)
    producer = model.text(2)
    metadata = try Self.entries(model.messages(14))
    guard let graph = try model.messages(7).first else { throw Missing() }
    name = graph.text(2)
    nodes = try graph.messages(1).map(Self.node)
    initializers = try graph.messages(5).map { tensor in
      Initializer(
        name: tensor.text(8), shape: tensor.ints(1), type: tensor.int(2) ?? 0,
        bytes: tensor.bytes(9).last.map { Array($0) } ?? [], external: try Self.entries(tensor.messages(13)))
    }
    inputs = try graph.messages(11).map(Self.value)
    outputs = try graph.messages(12).map(Self.value)
  }

  private struct Missing: Error {}

  private static func entries(_ messages: [ProtobufFields]) -> [String: String] {
    Dictionary(messages.map { ($0.text(1), $0.text(2)) }, uniquingKeysWith: { first, _ in first })
  }

  private static func node(_ node: ProtobufFields) throws -> Node {
    let attributes = try node.messages(5).map { attribute in
      let value: Attribute =
        switch attribute.int(20) {
        case 1: .float(attribute.float(2) ?? .nan)
        case 2: .int(attribute.int(3) ?? 0)
        case 3: .text(attribute.text(4))
        case 7: .ints(attribute.ints(8))
        default: throw Missing()
        }
      return (attribute.text(1), value)
    }
    return Node(
      type: node.text(4), name: node.text(3), inputs: node.texts(1), outputs: node.texts(2),
      attributes: Dictionary(attributes, uniquingKeysWith: { first, _ in first }))
  }

  private static func value(_ value: ProtobufFields) throws -> Value {
    let axes = try value.messages(2).first?.messages(1).first?.messages(2).first?.messages(1) ?? []
    return Value(
      name: value.text(1), shape: axes.map { axis in axis.int(1).map(String.init) ?? axis.text(2) },
      remark: value.text(3))
  }
}
