import ZooGraph
import ZooTensor

/// The operations of an ML program as messages of MIL.proto, and the numbers that go into its file of weights.
struct CoreMLProgram {
  /// What an operation reads.
  enum Argument {
    /// The results of operations, by their names.
    case value(String)
    case values([String])
    /// Constants, for which the program gets an operation each.
    case int(Int)
    case ints([Int])
    case bool(Bool)
    case text(String)
    /// In the program's type of floats.
    case float(Double)
    /// Within the operation.
    case texts([String])
  }

  /// Numbers in the file of weights.
  struct Blob {
    let constant: LoweredConstant
    /// Where its header begins.
    let offset: Int
  }

  private enum Field {
    enum Operation { static let type = 1, inputs = 2, outputs = 3, attributes = 5 }
    enum Entry { static let key = 1, value = 2 }
    enum Argument { static let bindings = 1 }
    enum Binding { static let name = 1, value = 2 }
    enum NamedType { static let name = 1, type = 2 }
  }

  /// The file of weights, as the program names it.
  static let weightsName = "@model_path/weights/weight.bin"
  /// Blobs begin, and their numbers too, at multiples of this.
  static let alignment = 64
  /// The bytes before the first blob, and before each blob's numbers.
  static let headerLength = 64
  /// Shorter constants stay in the program, as the format's own writer has them.
  private static let smallestBlob = 10

  let type: CoreMLType
  private let weights: any WeightSource
  private(set) var operations: [ProtobufMessage] = []
  private(set) var blobs: [Blob] = []
  /// The bytes of the file of weights.
  private(set) var byteCount = headerLength
  var names = CoreMLNames()
  private var constants: [LoweredConstant: String] = [:]
  /// By their bytes.
  private var parameters: [[UInt8]: String] = [:]

  init(type: CoreMLType, weights: any WeightSource) {
    self.type = type
    self.weights = weights
  }

  // MARK: Operations

  /// Appends an operation with one result, of the program's floats, and returns its name.
  ///
  /// - Parameters:
  ///   - name: the result's, which has to be free.
  ///   - shape: with the batch.
  @discardableResult
  mutating func add(
    _ operation: String, _ arguments: [(String, Argument)], named name: String, shape: [Int],
    type: CoreMLType? = nil
  ) -> String {
    add(
      operation, arguments, named: name,
      results: [(name, CoreMLValue.tensorType(type ?? self.type, shape))])
    return name
  }

  mutating func add(
    _ operation: String, _ arguments: [(String, Argument)], named name: String,
    results: [(name: String, type: ProtobufMessage)]
  ) {
    let inputs = arguments.map { parameter, argument in
      (parameter, binding(argument, of: parameter))
    }
    var message = Self.message(operation, named: name, results: results)
    for (parameter, argument) in inputs {
      message.add(Field.Operation.inputs, message: Self.entry(parameter, argument))
    }
    operations.append(message)
  }

  private static func message(
    _ operation: String, named name: String, results: [(name: String, type: ProtobufMessage)]
  ) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(Field.Operation.type, text: operation)
    for result in results {
      message.add(Field.Operation.outputs, message: namedType(result.name, result.type))
    }
    message.add(Field.Operation.attributes, message: entry("name", CoreMLValue.text(name)))
    return message
  }

  /// A name with its type, as inputs of functions and results of operations have it.
  static func namedType(_ name: String, _ type: ProtobufMessage) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(Field.NamedType.name, text: name)
    message.add(Field.NamedType.type, message: type)
    return message
  }

  /// An entry of a map with texts as its keys.
  static func entry(_ key: String, _ value: ProtobufMessage) -> ProtobufMessage {
    var entry = ProtobufMessage()
    entry.add(Field.Entry.key, text: key)
    entry.add(Field.Entry.value, message: value)
    return entry
  }

  private mutating func binding(_ argument: Argument, of parameter: String) -> ProtobufMessage {
    switch argument {
    case .value(let name): Self.argument([name])
    case .values(let names): Self.argument(names)
    case .int(let number): constant(parameter, .int32, [], CoreMLValue.ints([number], []))
    case .ints(let numbers):
      constant(parameter, .int32, [numbers.count], CoreMLValue.ints(numbers, [numbers.count]))
    case .bool(let value): constant(parameter, .bool, [], CoreMLValue.bool(value))
    case .text(let text): constant(parameter, .string, [], CoreMLValue.text(text))
    case .float(let number):
      constant(parameter, type, [], CoreMLValue.floats([Float(number)], [], type))
    case .texts(let texts): Self.literal(CoreMLValue.texts(texts))
    }
  }

  private static func argument(_ names: [String]) -> ProtobufMessage {
    var argument = ProtobufMessage()
    for name in names {
      var binding = ProtobufMessage()
      binding.add(Field.Binding.name, text: name)
      argument.add(Field.Argument.bindings, message: binding)
    }
    return argument
  }

  private static func literal(_ value: ProtobufMessage) -> ProtobufMessage {
    var binding = ProtobufMessage()
    binding.add(Field.Binding.value, message: value)
    var argument = ProtobufMessage()
    argument.add(Field.Argument.bindings, message: binding)
    return argument
  }

  // MARK: Constants

  private mutating func constant(
    _ parameter: String, _ type: CoreMLType, _ shape: [Int], _ value: ProtobufMessage
  ) -> ProtobufMessage {
    let bytes = value.parts.flatMap { part -> [UInt8] in
      if case .bytes(let bytes) = part { bytes } else { [] }
    }
    if let name = parameters[bytes] { return Self.argument([name]) }
    let name = names.unique(parameter)
    parameters[bytes] = name
    addConstant(name, type, shape, value)
    return Self.argument([name])
  }

  private mutating func addConstant(
    _ name: String, _ type: CoreMLType, _ shape: [Int], _ value: ProtobufMessage
  ) {
    var message = Self.message(
      "const", named: name, results: [(name, CoreMLValue.tensorType(type, shape))])
    message.add(Field.Operation.attributes, message: Self.entry("val", value))
    operations.append(message)
  }

  /// The name of a constant of the network, which becomes an operation where it is first read.
  ///
  /// - Parameters:
  ///   - name: what it is called, as far as that is free.
  ///   - shape: in place of its own; the values stay as they are.
  /// - Throws: what the weights throw, and `ZooError` of the code `unsupported` where a value is beyond the range of the
  ///   program's floats.
  mutating func constant(
    _ constant: LoweredConstant, named name: String, shape: [Int]? = nil
  ) throws -> String {
    let constant = LoweredConstant(source: constant.source, shape: shape ?? constant.shape)
    if let known = constants[constant] { return known }
    let name = names.unique(name)
    constants[constant] = name
    let count = constant.elementCount
    if count < Self.smallestBlob {
      var values: [Float] = []
      try constant.forEachPart(of: weights) { part in
        values += part.withUnsafeBytes { bytes in
          bytes.bindMemory(to: UInt32.self).map { Float(bitPattern: UInt32(littleEndian: $0)) }
        }
      }
      if type == .float16 { _ = try constant.halved(values) }
      addConstant(name, type, constant.shape, CoreMLValue.floats(values, constant.shape, type))
    } else {
      let offset = (byteCount + Self.alignment - 1) / Self.alignment * Self.alignment
      blobs.append(Blob(constant: constant, offset: offset))
      byteCount = offset + Self.headerLength + count * type.byteCount
      addConstant(
        name, type, constant.shape,
        CoreMLValue.blob(type, constant.shape, fileName: Self.weightsName, offset: offset))
    }
    return name
  }
}
