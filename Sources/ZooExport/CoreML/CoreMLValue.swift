import ZooTensor

/// The messages of MIL.proto for types and values.
enum CoreMLValue {
  private enum Field {
    enum ValueType { static let tensor = 1, list = 2, dictionary = 4 }
    enum TensorType { static let element = 1, rank = 2, dimensions = 3 }
    enum Dimension { static let constant = 1, size = 1 }
    enum ListType { static let element = 1, length = 2 }
    enum DictionaryType { static let key = 1, value = 2 }
    enum Value { static let type = 2, immediate = 3, blob = 5 }
    enum Immediate { static let tensor = 1, list = 3 }
    enum Blob { static let fileName = 1, offset = 2 }
    enum Tensor { static let floats = 1, ints = 2, bools = 3, strings = 4, bytes = 7 }
    static let values = 1
  }

  // MARK: Types

  static func tensorType(_ element: CoreMLType, _ shape: [Int]) -> ProtobufMessage {
    var tensor = ProtobufMessage()
    tensor.add(Field.TensorType.element, int: element.number)
    tensor.add(Field.TensorType.rank, int: shape.count)
    for extent in shape { tensor.add(Field.TensorType.dimensions, message: dimension(extent)) }
    return wrapped(Field.ValueType.tensor, tensor)
  }

  static func dictionaryType(_ key: CoreMLType, _ value: CoreMLType) -> ProtobufMessage {
    var dictionary = ProtobufMessage()
    dictionary.add(Field.DictionaryType.key, message: tensorType(key, []))
    dictionary.add(Field.DictionaryType.value, message: tensorType(value, []))
    return wrapped(Field.ValueType.dictionary, dictionary)
  }

  private static func dimension(_ extent: Int) -> ProtobufMessage {
    var size = ProtobufMessage()
    size.add(Field.Dimension.size, int: extent)
    return wrapped(Field.Dimension.constant, size)
  }

  // MARK: Values

  static func text(_ text: String) -> ProtobufMessage {
    var strings = ProtobufMessage()
    strings.add(Field.values, text: text)
    return tensor(.string, [], Field.Tensor.strings, strings)
  }

  static func bool(_ value: Bool) -> ProtobufMessage {
    var bools = ProtobufMessage()
    bools.add(Field.values, packed: [value ? 1 : 0])
    return tensor(.bool, [], Field.Tensor.bools, bools)
  }

  /// - Parameter shape: without axes for a single number.
  static func ints(_ numbers: [Int], _ shape: [Int]) -> ProtobufMessage {
    var ints = ProtobufMessage()
    ints.add(Field.values, packed: numbers)
    return tensor(.int32, shape, Field.Tensor.ints, ints)
  }

  /// Numbers of the type, which is one of the two kinds of floats.
  static func floats(_ numbers: [Float], _ shape: [Int], _ type: CoreMLType) -> ProtobufMessage {
    var values = ProtobufMessage()
    if type == .float16 {
      let bits = numbers.map { $0.float16Bits }
      values.add(Field.values, bytes: bits.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] })
      return tensor(type, shape, Field.Tensor.bytes, values)
    }
    let bytes = numbers.flatMap { number in
      withUnsafeBytes(of: number.bitPattern.littleEndian) { Array($0) }
    }
    values.add(Field.values, bytes: bytes)
    return tensor(type, shape, Field.Tensor.floats, values)
  }

  static func texts(_ texts: [String]) -> ProtobufMessage {
    var type = ProtobufMessage()
    type.add(Field.ListType.element, message: tensorType(.string, []))
    type.add(Field.ListType.length, message: dimension(texts.count))
    var list = ProtobufMessage()
    for text in texts { list.add(Field.values, message: Self.text(text)) }
    return value(wrapped(Field.ValueType.list, type), Field.Immediate.list, list)
  }

  /// The numbers that lie in the file of weights.
  static func blob(_ type: CoreMLType, _ shape: [Int], fileName: String, offset: Int) -> ProtobufMessage {
    var blob = ProtobufMessage()
    blob.add(Field.Blob.fileName, text: fileName)
    blob.add(Field.Blob.offset, int: offset)
    var value = ProtobufMessage()
    value.add(Field.Value.type, message: tensorType(type, shape))
    value.add(Field.Value.blob, message: blob)
    return value
  }

  private static func tensor(
    _ type: CoreMLType, _ shape: [Int], _ field: Int, _ values: ProtobufMessage
  ) -> ProtobufMessage {
    value(tensorType(type, shape), Field.Immediate.tensor, wrapped(field, values))
  }

  private static func value(
    _ type: ProtobufMessage, _ field: Int, _ content: ProtobufMessage
  ) -> ProtobufMessage {
    var value = ProtobufMessage()
    value.add(Field.Value.type, message: type)
    value.add(Field.Value.immediate, message: wrapped(field, content))
    return value
  }

  private static func wrapped(_ field: Int, _ message: ProtobufMessage) -> ProtobufMessage {
    var result = ProtobufMessage()
    result.add(field, message: message)
    return result
  }
}
