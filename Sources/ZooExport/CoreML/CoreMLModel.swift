import ZooGraph
import ZooSystem
import ZooTensor

/// A network as a Core ML package with an ML program (specification 7, operations of iOS 16 and macOS 13), for one
/// example at a time. Its weights are written when it is their turn.
package struct CoreMLModel: Sendable {
  /// The least version of the format that has what is written.
  package static let specificationVersion = 7
  static let opset = "CoreML6"

  /// What an input takes.
  package enum Input: Sendable {
    /// Numbers, in the network's own order of axes; the text is for people.
    case array(String)
    /// A picture of the network's size.
    case picture(CoreMLPicture)
  }

  /// Classes that the only output, a vector, gives values for.
  package struct Classes: Sendable {
    /// What its values are.
    package enum Values: Sendable {
      /// One for each class, as they are.
      case each
      /// Logits, which a softmax makes probabilities of.
      case logits
      /// The probability of the second of two classes.
      case second
    }

    let labels: [String]
    package let values: Values

    /// - Parameter labels: of the classes, in the order of the output. Equal ones get a number, as the format looks them
    ///   up by name.
    package init(labels: [String], values: Values) {
      var used: Set<String> = []
      self.labels = labels.map { label in
        var (candidate, number) = (label, 1)
        while !used.insert(candidate).inserted {
          number += 1
          candidate = "\(label) (\(number))"
        }
        return candidate
      }
      self.values = values
    }
  }

  /// What the package says for people.
  package struct Description: Sendable {
    package var summary: String
    package var author: String?
    package var version: String?
    package var licence: String?
    /// Further facts, by keys.
    package var metadata: [String: String]
    /// By output; one for all classes.
    package var outputRemark: String?

    package init(
      summary: String, author: String? = nil, version: String? = nil, licence: String? = nil,
      metadata: [String: String] = [:], outputRemark: String? = nil
    ) {
      self.summary = summary
      self.author = author
      self.version = version
      self.licence = licence
      self.metadata = metadata
      self.outputRemark = outputRemark
    }
  }

  /// An input or output of the model.
  struct Feature {
    let name: String
    let shape: [Int]
    var input: Input?
  }

  private let description: Description
  private let classes: Classes?
  let program: CoreMLProgram
  private let features: (inputs: [Feature], outputs: [Feature])

  /// The bytes of the file of weights.
  package var weightByteCount: Int { program.byteCount }

  /// - Parameters:
  ///   - graph: lowered with pictures in the order (N, C, H, W).
  ///   - inputs: what the graph's inputs take.
  ///   - type: the floats that it holds and computes with, 16 or 32 bits.
  ///   - location: whose graph it is, for errors.
  /// - Throws: `ZooError` of the code `unsupported`, which names the layer, where Core ML can't hold it, and what the
  ///   weights throw.
  package init(
    _ graph: LoweredGraph, inputs: [Input], classes: Classes?, description: Description, type: CoreMLType,
    weights: any WeightSource, location: String
  ) throws {
    self.description = description
    self.classes = classes
    var translation = try CoreMLTranslation(
      graph, program: CoreMLProgram(type: type, weights: weights), location: location)
    let names = translation.reserveFeatures(inputs: inputs, hasClasses: classes != nil)
    features = (
      zip(graph.inputs, zip(names.inputs, inputs)).map { value, pair in
        Feature(name: pair.0, shape: [1] + graph.shapes[value.index], input: pair.1)
      },
      zip(graph.outputs, names.outputs).map {
        Feature(name: $1, shape: [1] + graph.shapes[$0.index])
      }
    )
    for (value, feature) in zip(graph.inputs, features.inputs) { try translation.enter(value, feature) }
    try translation.translate()
    if let classes {
      translation.classify(graph.outputs[0], classes)
    } else {
      for (value, feature) in zip(graph.outputs, features.outputs) { translation.leave(value, feature) }
    }
    program = translation.program
  }
}

// MARK: Messages

extension CoreMLModel {
  private enum Field {
    enum Model { static let version = 1, description = 2, program = 502 }
    enum Description {
      static let input = 1, output = 10, predictedFeature = 11, predictedProbabilities = 12, metadata = 100
    }
    enum Metadata { static let summary = 1, version = 2, author = 3, licence = 4, userDefined = 100 }
    enum Feature { static let name = 1, summary = 2, type = 3 }
    enum FeatureType { static let text = 3, picture = 4, array = 5, dictionary = 6 }
    enum Picture { static let width = 1, height = 2, colours = 3 }
    enum Array { static let shape = 1, type = 2, float32 = 65568 }
    enum Dictionary { static let textKey = 2 }
    enum Program { static let version = 1, functions = 2 }
    enum Function { static let inputs = 1, opset = 2, blocks = 3 }
    enum Block { static let outputs = 2, operations = 3 }
    enum Entry { static let key = 1, value = 2 }
  }

  /// The features of a classifier.
  static let classFeature = "classLabel"
  static let probabilitiesFeature = "classLabel_probs"

  /// The bytes of the specification.
  package func specification() -> [UInt8] {
    var model = ProtobufMessage()
    model.add(Field.Model.version, int: Self.specificationVersion)
    model.add(Field.Model.description, message: descriptionMessage())
    model.add(Field.Model.program, message: programMessage())
    return model.parts.flatMap { part -> [UInt8] in
      if case .bytes(let bytes) = part { bytes } else { [] }
    }
  }

  private func programMessage() -> ProtobufMessage {
    var block = ProtobufMessage()
    let outputs =
      classes == nil ? features.outputs.map(\.name) : [Self.classFeature, Self.probabilitiesFeature]
    for name in outputs { block.add(Field.Block.outputs, text: name) }
    for operation in program.operations { block.add(Field.Block.operations, message: operation) }
    var function = ProtobufMessage()
    for input in features.inputs {
      function.add(
        Field.Function.inputs,
        message: CoreMLProgram.namedType(input.name, CoreMLValue.tensorType(.float32, input.shape)))
    }
    function.add(Field.Function.opset, text: Self.opset)
    function.add(Field.Function.blocks, message: CoreMLProgram.entry(Self.opset, block))
    var program = ProtobufMessage()
    program.add(Field.Program.version, int: 1)
    program.add(Field.Program.functions, message: CoreMLProgram.entry("main", function))
    return program
  }

  private func descriptionMessage() -> ProtobufMessage {
    var message = ProtobufMessage()
    for input in features.inputs {
      message.add(Field.Description.input, message: inputMessage(input))
    }
    if classes == nil {
      for output in features.outputs {
        message.add(
          Field.Description.output,
          message: Self.feature(output.name, description.outputRemark, Self.arrayType(output.shape)))
      }
    } else {
      var text = ProtobufMessage()
      text.add(Field.FeatureType.text, message: ProtobufMessage())
      message.add(
        Field.Description.output,
        message: Self.feature(Self.classFeature, "the class with the largest value", text))
      var keys = ProtobufMessage()
      keys.add(Field.Dictionary.textKey, message: ProtobufMessage())
      var dictionary = ProtobufMessage()
      dictionary.add(Field.FeatureType.dictionary, message: keys)
      message.add(
        Field.Description.output,
        message: Self.feature(Self.probabilitiesFeature, description.outputRemark, dictionary))
      message.add(Field.Description.predictedFeature, text: Self.classFeature)
      message.add(Field.Description.predictedProbabilities, text: Self.probabilitiesFeature)
    }
    message.add(Field.Description.metadata, message: metadataMessage())
    return message
  }

  private func metadataMessage() -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(Field.Metadata.summary, text: description.summary)
    if let version = description.version { message.add(Field.Metadata.version, text: version) }
    if let author = description.author { message.add(Field.Metadata.author, text: author) }
    if let licence = description.licence { message.add(Field.Metadata.licence, text: licence) }
    for (key, value) in description.metadata.sorted(by: { $0.key < $1.key }) {
      var entry = ProtobufMessage()
      entry.add(Field.Entry.key, text: key)
      entry.add(Field.Entry.value, text: value)
      message.add(Field.Metadata.userDefined, message: entry)
    }
    return message
  }

  private func inputMessage(_ input: Feature) -> ProtobufMessage {
    switch input.input {
    case .picture(let picture):
      var content = ProtobufMessage()
      content.add(Field.Picture.width, int: input.shape[3])
      content.add(Field.Picture.height, int: input.shape[2])
      content.add(Field.Picture.colours, int: picture.colours.rawValue)
      var type = ProtobufMessage()
      type.add(Field.FeatureType.picture, message: content)
      return Self.feature(
        input.name, "\(picture.colours.name) picture of \(input.shape[3]) x \(input.shape[2]) pixels", type)
    case .array(let remark): return Self.feature(input.name, remark, Self.arrayType(input.shape))
    case nil: return Self.feature(input.name, nil, Self.arrayType(input.shape))
    }
  }

  private static func feature(_ name: String, _ remark: String?, _ type: ProtobufMessage) -> ProtobufMessage {
    var message = ProtobufMessage()
    message.add(Field.Feature.name, text: name)
    if let remark { message.add(Field.Feature.summary, text: remark) }
    message.add(Field.Feature.type, message: type)
    return message
  }

  private static func arrayType(_ shape: [Int]) -> ProtobufMessage {
    var array = ProtobufMessage()
    array.add(Field.Array.shape, packed: shape)
    array.add(Field.Array.type, int: Field.Array.float32)
    var type = ProtobufMessage()
    type.add(Field.FeatureType.array, message: array)
    return type
  }
}
