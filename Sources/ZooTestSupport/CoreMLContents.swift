import Foundation
import ZooSystem
import ZooTensor

/// What a Core ML package holds, read by the numbers of its format's messages.
package struct CoreMLContents {
  /// A type of MIL: of tensors, or of what a classifier gives.
  package struct ValueType: Equatable {
    /// As `DataType` of MIL.proto numbers it: 10 is a float of 16 bits, 11 of 32; 0 for a dictionary.
    package let element: Int
    package let shape: [Int]

    package init(element: Int, shape: [Int]) {
      self.element = element
      self.shape = shape
    }
  }

  package enum Value: Equatable {
    case numbers([Double])
    case texts([String])
  }

  package struct Operation {
    package let type: String
    /// The results that it reads, by parameter.
    package let inputs: [String: [String]]
    /// What stands in it.
    package let literals: [String: Value]
    package let outputs: [(name: String, type: ValueType)]
    /// Of a `const`.
    package let value: Value?
  }

  package struct Feature {
    package let name: String
    package let summary: String
    /// 3 text, 4 picture, 5 array, 6 dictionary.
    package let kind: Int
    /// Width, height and colours of a picture, or the extents of an array.
    package let numbers: [Int]
  }

  package let specificationVersion: Int?
  package let inputs: [Feature]
  package let outputs: [Feature]
  package let predictedFeature: String
  package let predictedProbabilities: String
  package let metadata: ProtobufFields
  package let opset: String
  package let functionInputs: [(name: String, type: ValueType)]
  package let operations: [Operation]
  package let results: [String]
  /// The file of weights.
  package let weights: [UInt8]

  package init(path: String) throws {
    let root = URL(filePath: path)
    let manifest = try JSONSerialization.jsonObject(
      with: Data(contentsOf: root.appending(path: "Manifest.json")))
    guard let manifest = manifest as? [String: Any],
      let items = manifest["itemInfoEntries"] as? [String: [String: String]], items.count == 2,
      let identifier = manifest["rootModelIdentifier"] as? String,
      let model = items[identifier]?["path"],
      let folder = items.first(where: { $0.key != identifier })?.value["path"]
    else { throw Self.malformed("the manifest has no model and weights") }
    let data = root.appending(path: "Data")
    weights = [UInt8](try Data(contentsOf: data.appending(path: folder).appending(path: "weight.bin")))
    let fields = try ProtobufFields([UInt8](Data(contentsOf: data.appending(path: model)))[...])
    specificationVersion = fields.int(1)
    let description = try Self.one(fields.messages(2))
    inputs = try description.messages(1).map(Self.feature)
    outputs = try description.messages(10).map(Self.feature)
    predictedFeature = description.text(11)
    predictedProbabilities = description.text(12)
    metadata = try Self.one(description.messages(100))
    let main = try Self.one(try Self.one(fields.messages(502)).messages(2))
    guard main.text(1) == "main" else { throw Self.malformed("no function main") }
    let function = try Self.one(main.messages(2))
    opset = function.text(2)
    functionInputs = try function.messages(1).map(Self.named)
    let block = try Self.one(function.messages(3))
    guard block.text(1) == opset else { throw Self.malformed("no block for \(opset)") }
    let body = try Self.one(block.messages(2))
    results = body.texts(2)
    let weights = weights
    operations = try body.messages(3).map { try Self.operation($0, weights) }
  }

  private static func malformed(_ why: String) -> ZooError {
    ZooError(.malformed, what: "malformed package", at: "", why)
  }

  private static func one(_ messages: [ProtobufFields]) throws -> ProtobufFields {
    guard messages.count == 1 else { throw malformed("\(messages.count) messages in place of one") }
    return messages[0]
  }

  private static func feature(_ message: ProtobufFields) throws -> Feature {
    let type = try one(message.messages(3))
    guard let kind = type.fields.first?.number else { throw malformed("a feature without a type") }
    let content = try one(type.messages(kind))
    let numbers =
      kind == 4
      ? (1...3).compactMap { content.int($0) } : kind == 5 ? try packed(content.bytes(1).last ?? []) : []
    return Feature(name: message.text(1), summary: message.text(2), kind: kind, numbers: numbers)
  }

  private static func named(_ message: ProtobufFields) throws -> (name: String, type: ValueType) {
    (message.text(1), try type(one(message.messages(2))))
  }

  private static func type(_ message: ProtobufFields) throws -> ValueType {
    guard let tensor = try message.messages(1).first else { return ValueType(element: 0, shape: []) }
    let shape = try tensor.messages(3).map { try one($0.messages(1)).int(1) ?? 0 }
    guard tensor.int(2) == shape.count else { throw malformed("a rank that is not that of the shape") }
    return ValueType(element: tensor.int(1) ?? 0, shape: shape)
  }

  private static func operation(_ message: ProtobufFields, _ weights: [UInt8]) throws -> Operation {
    var inputs: [String: [String]] = [:]
    var literals: [String: Value] = [:]
    for entry in try message.messages(2) {
      let bindings = try one(entry.messages(2)).messages(1)
      let names = bindings.flatMap { $0.texts(1) }
      if !names.isEmpty { inputs[entry.text(1)] = names }
      if let literal = try bindings.first?.messages(2).first {
        literals[entry.text(1)] = try value(literal, weights).value
      }
    }
    let outputs = try message.messages(3).map(named)
    let constant = try message.messages(5).first { $0.text(1) == "val" }
    var content: Value?
    if let constant {
      let found = try value(one(constant.messages(2)), weights)
      guard found.type == outputs.first?.type else { throw malformed("a constant of another type") }
      content = found.value
    }
    return Operation(
      type: message.text(1), inputs: inputs, literals: literals, outputs: outputs, value: content)
  }

  // MARK: Values

  private static func value(
    _ message: ProtobufFields, _ weights: [UInt8]
  ) throws -> (type: ValueType, value: Value) {
    let type = try type(one(message.messages(2)))
    if let blob = try message.messages(5).first {
      guard blob.text(1) == "@model_path/weights/weight.bin" else { throw malformed("another file") }
      return (type, .numbers(try numbers(blob: blob.int(2) ?? 0, type, weights)))
    }
    let immediate = try one(message.messages(3))
    if let list = try immediate.messages(3).first {
      let texts = try list.messages(1).map { item -> String in
        guard case .texts(let texts) = try value(item, weights).value, texts.count == 1 else {
          throw malformed("a list of other things than texts")
        }
        return texts[0]
      }
      return (type, .texts(texts))
    }
    let tensor = try one(immediate.messages(1))
    guard let field = tensor.fields.first?.number else { throw malformed("a value without numbers") }
    let content = try one(tensor.messages(field))
    if field == 4 { return (type, .texts(content.texts(1))) }
    let bytes = content.bytes(1).last ?? []
    let numbers: [Double] =
      switch (field, type.element) {
      case (1, 11): floats(Array(bytes), 4)
      case (2, 23), (3, 1): try packed(bytes).map { Double($0) }
      case (7, 10): floats(Array(bytes), 2)
      default: throw malformed("numbers of the type \(type.element) in the field \(field)")
      }
    guard numbers.count == type.shape.reduce(1, *) else {
      throw malformed("\(numbers.count) numbers of \(type)")
    }
    return (type, .numbers(numbers))
  }

  private static func packed(_ bytes: ArraySlice<UInt8>) throws -> [Int] {
    // As varints of one field: with a key before each they are a message.
    var numbers: [Int] = []
    var (value, shift): (UInt64, UInt64) = (0, 0)
    for byte in bytes {
      value |= UInt64(byte & 0x7f) << shift
      shift += 7
      guard byte & 0x80 == 0 else { continue }
      numbers.append(Int(bitPattern: UInt(value)))
      (value, shift) = (0, 0)
    }
    return numbers
  }

  private static func floats(_ bytes: [UInt8], _ size: Int) -> [Double] {
    bytes.withUnsafeBytes { raw in
      stride(from: 0, to: raw.count, by: size).map { place in
        size == 2
          ? Double(
            Float(
              float16Bits: UInt16(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt16.self))))
          : Double(
            Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt32.self)))
          )
      }
    }
  }

  /// The numbers of a block of the file of weights.
  private static func numbers(blob offset: Int, _ type: ValueType, _ weights: [UInt8]) throws -> [Double] {
    func field<Number: FixedWidthInteger>(_ place: Int, _: Number.Type) -> Int {
      weights.withUnsafeBytes {
        Int(Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset + place, as: Number.self)))
      }
    }
    guard offset % 64 == 0, offset >= 64, offset + 64 <= weights.count, field(0, UInt32.self) == 0xdead_beef,
      field(4, UInt32.self) == (type.element == 10 ? 1 : 2)
    else { throw malformed("no block of the type \(type.element) at \(offset)") }
    let (count, start) = (field(8, UInt64.self), field(16, UInt64.self))
    let size = type.element == 10 ? 2 : 4
    guard start % 64 == 0, start + count <= weights.count, count == type.shape.reduce(size, *) else {
      throw malformed("a block of \(count) bytes for \(type.shape)")
    }
    return floats(Array(weights[start..<start + count]), size)
  }
}
