import ZooGraph
import ZooSystem
import ZooTensor

/// A network as an ONNX model (opset 17, IR version 8), whose weights are written when it is their turn.
package struct ONNXModel: Sendable {
  /// What the file says besides the network.
  package struct Description: Sendable {
    /// The graph's name.
    package var name: String
    /// The version of what writes it.
    package var producerVersion: String
    /// What a person who finds the file has to know, by keys.
    package var metadata: [String: String]
    /// How pixels enter the network, for people.
    package var inputRemark: String?

    package init(
      name: String, producerVersion: String, metadata: [String: String], inputRemark: String? = nil
    ) {
      self.name = name
      self.producerVersion = producerVersion
      self.metadata = metadata
      self.inputRemark = inputRemark
    }
  }

  package static let opset = 17
  package static let irVersion = 8

  /// A message can't be longer: readers count its bytes in 32 bits.
  package static let messageLimit = Int(Int32.max)

  /// How many examples come at a time, by this name.
  private static let batch = "N"

  /// Where external data starts: at the pages of a memory-mapped file.
  private static let alignment = 4096

  /// Shorter weights stay in the model.
  private static let smallestExternal = 1024

  let graph: LoweredGraph
  private let description: Description

  package init(_ graph: LoweredGraph, description: Description) {
    self.graph = graph
    self.description = description
  }

  /// The bytes of all weights.
  package var byteCount: Int { graph.constants.reduce(0) { $0 + $1.byteCount } }

  /// The fields of the messages of onnx.proto, as far as they are written.
  private enum Field {
    enum Model {
      static let irVersion = 1, producerName = 2, producerVersion = 3, graph = 7, opsets = 8, metadata = 14
    }
    enum Opset { static let version = 2 }
    enum Graph { static let nodes = 1, name = 2, initializers = 5, inputs = 11, outputs = 12 }
    enum Node { static let inputs = 1, outputs = 2, name = 3, type = 4, attributes = 5 }
    enum Attribute { static let name = 1, float = 2, int = 3, text = 4, ints = 8, type = 20 }
    enum Tensor {
      static let extents = 1, type = 2, name = 8, rawData = 9, externalData = 13, location = 14
    }
    enum ValueInfo { static let name = 1, type = 2, remark = 3 }
    enum TensorType { static let tensor = 1, element = 1, shape = 2, axis = 1, extent = 1, extentName = 2 }
    enum Entry { static let key = 1, value = 2 }
  }

  /// The numbers of element types in `TensorProto.DataType`.
  private enum DataType { static let float = 1, int64 = 7 }

  /// The numbers of `AttributeProto.AttributeType`.
  private enum AttributeType { static let float = 1, int = 2, text = 3, ints = 7 }

  // MARK: The whole

  /// Where the bytes of constants lie in a file beside the model.
  struct ExternalData {
    let fileName: String
    /// By constant; nil for those in the model.
    let offsets: [Int?]
    let byteCount: Int
  }

  /// Places for the constants in a file called `fileName`.
  func externalData(fileName: String) -> ExternalData {
    var end = 0
    let offsets = graph.constants.map { constant -> Int? in
      guard constant.byteCount >= Self.smallestExternal else { return nil }
      let offset = (end + Self.alignment - 1) / Self.alignment * Self.alignment
      end = offset + constant.byteCount
      return offset
    }
    return ExternalData(fileName: fileName, offsets: offsets, byteCount: end)
  }

  /// The model's bytes; its payloads are the constants that are not in another file.
  func message(external: ExternalData? = nil) -> ProtobufMessage {
    var model = ProtobufMessage()
    model.add(Field.Model.irVersion, int: Self.irVersion)
    model.add(Field.Model.producerName, text: "zoo")
    model.add(Field.Model.producerVersion, text: description.producerVersion)
    var opset = ProtobufMessage()
    opset.add(Field.Opset.version, int: Self.opset)
    model.add(Field.Model.opsets, message: opset)
    for (key, value) in description.metadata.sorted(by: { $0.key < $1.key }) {
      model.add(Field.Model.metadata, message: Self.entry(key, value))
    }
    model.add(Field.Model.graph, message: graphMessage(external))
    return model
  }

  private static func entry(_ key: String, _ value: String) -> ProtobufMessage {
    var entry = ProtobufMessage()
    entry.add(Field.Entry.key, text: key)
    entry.add(Field.Entry.value, text: value)
    return entry
  }

  private func graphMessage(_ external: ExternalData?) -> ProtobufMessage {
    var message = ProtobufMessage()
    var small = SmallConstants(taken: Set(graph.names + graph.constantNames))
    let others = notOnlyConvolved()
    for step in graph.steps {
      message.add(
        Field.Graph.nodes,
        message: nodeMessage(step, isFoldable: !others.contains(step.output), &small))
    }
    message.add(Field.Graph.name, text: description.name)
    for input in graph.inputs {
      message.add(
        Field.Graph.inputs, message: valueMessage(input, remark: description.inputRemark))
    }
    for output in graph.outputs {
      message.add(Field.Graph.outputs, message: valueMessage(output, remark: nil))
    }
    for initializer in small.messages { message.add(Field.Graph.initializers, message: initializer) }
    for (index, constant) in graph.constants.enumerated() {
      var tensor = Self.tensor(graph.constantNames[index], DataType.float, constant.shape)
      if let external, let offset = external.offsets[index] {
        for (key, value) in [
          ("location", external.fileName), ("offset", String(offset)), ("length", String(constant.byteCount)),
        ] {
          tensor.add(Field.Tensor.externalData, message: Self.entry(key, value))
        }
        tensor.add(Field.Tensor.location, int: 1)
      } else {
        tensor.add(Field.Tensor.rawData, payload: index, count: constant.byteCount)
      }
      message.add(Field.Graph.initializers, message: tensor)
    }
    return message
  }

  // MARK: Parts

  private static func tensor(_ name: String, _ type: Int, _ shape: [Int]) -> ProtobufMessage {
    var tensor = ProtobufMessage()
    for extent in shape { tensor.add(Field.Tensor.extents, int: extent) }
    tensor.add(Field.Tensor.type, int: type)
    tensor.add(Field.Tensor.name, text: name)
    return tensor
  }

  private func valueMessage(_ value: LoweredGraph.Value, remark: String?) -> ProtobufMessage {
    var shape = ProtobufMessage()
    var axis = ProtobufMessage()
    axis.add(Field.TensorType.extentName, text: Self.batch)
    shape.add(Field.TensorType.axis, message: axis)
    for extent in graph.shapes[value.index] {
      var axis = ProtobufMessage()
      axis.add(Field.TensorType.extent, int: extent)
      shape.add(Field.TensorType.axis, message: axis)
    }
    var tensor = ProtobufMessage()
    tensor.add(Field.TensorType.element, int: DataType.float)
    tensor.add(Field.TensorType.shape, message: shape)
    var type = ProtobufMessage()
    type.add(Field.TensorType.tensor, message: tensor)
    var message = ProtobufMessage()
    message.add(Field.ValueInfo.name, text: graph.names[value.index])
    message.add(Field.ValueInfo.type, message: type)
    if let remark { message.add(Field.ValueInfo.remark, text: remark) }
    return message
  }

  /// The values that something else than a convolution reads.
  private func notOnlyConvolved() -> Set<LoweredGraph.Value> {
    var values = Set(graph.outputs)
    for step in graph.steps {
      if case .convolution = step.kind { continue }
      for case .value(let value) in step.inputs { values.insert(value) }
    }
    return values
  }

  private func nodeMessage(
    _ step: LoweredGraph.Step, isFoldable: Bool, _ small: inout SmallConstants
  ) -> ProtobufMessage {
    let operands = step.inputs.map { operand in
      switch operand {
      case .value(let value): graph.names[value.index]
      case .constant(let index): graph.constantNames[index]
      }
    }
    let node = ONNXNode(step.kind, of: operands, isFoldable: isFoldable)
    var message = ProtobufMessage()
    for input in node.inputs { message.add(Field.Node.inputs, text: small.name(of: input)) }
    let name = graph.names[step.output.index]
    message.add(Field.Node.outputs, text: name)
    message.add(Field.Node.name, text: name)
    message.add(Field.Node.type, text: node.type)
    for (name, value) in node.attributes {
      var attribute = ProtobufMessage()
      attribute.add(Field.Attribute.name, text: name)
      switch value {
      case .int(let number):
        attribute.add(Field.Attribute.int, int: number)
        attribute.add(Field.Attribute.type, int: AttributeType.int)
      case .float(let number):
        attribute.add(Field.Attribute.float, float: Float(number))
        attribute.add(Field.Attribute.type, int: AttributeType.float)
      case .text(let text):
        attribute.add(Field.Attribute.text, text: text)
        attribute.add(Field.Attribute.type, int: AttributeType.text)
      case .ints(let numbers):
        for number in numbers { attribute.add(Field.Attribute.ints, int: number) }
        attribute.add(Field.Attribute.type, int: AttributeType.ints)
      }
      message.add(Field.Node.attributes, message: attribute)
    }
    return message
  }

  /// Initializers for numbers that operators read beside the weights, such as shapes; equal ones are one.
  private struct SmallConstants {
    private var taken: Set<String>
    private var names: [[UInt8]: String] = [:]
    private(set) var messages: [ProtobufMessage] = []

    init(taken: Set<String>) { self.taken = taken }

    mutating func name(of input: ONNXNode.Input) -> String {
      switch input {
      case .named(let name): name
      case .none: ""
      case .ints(let numbers):
        add("ints", DataType.int64, [numbers.count], numbers.map { Int64($0).littleEndian })
      case .floats(let numbers):
        add("floats", DataType.float, [numbers.count], numbers.map { $0.bitPattern.littleEndian })
      case .scalar(let number): add("scalar", DataType.float, [], [number.bitPattern.littleEndian])
      }
    }

    private mutating func add<Number: BitwiseCopyable>(
      _ kind: String, _ type: Int, _ shape: [Int], _ numbers: [Number]
    ) -> String {
      let bytes = numbers.withUnsafeBytes { [UInt8]($0) }
      let key = Array(kind.utf8) + bytes
      if let name = names[key] { return name }
      var name = "\(kind)_\(messages.count)"
      while !taken.insert(name).inserted { name += "_" }
      var tensor = ONNXModel.tensor(name, type, shape)
      tensor.add(Field.Tensor.rawData, bytes: bytes)
      messages.append(tensor)
      names[key] = name
      return name
    }
  }
}
