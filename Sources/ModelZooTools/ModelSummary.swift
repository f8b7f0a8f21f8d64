import ZooConversion
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// What `zoo inspect` tells of a file, as its JSON has it.
package struct ModelSummary: Sendable, Encodable {
  package struct Layer: Sendable, Encodable {
    package let name: String
    package let kind: String
    /// (H, W, C) or (C).
    package let outputShape: [Int]
    package let parameters: Int
    /// Multiplications for one example.
    package let macs: Int

    enum CodingKeys: String, CodingKey {
      case name, kind
      case outputShape = "output_shape"
      case parameters, macs
    }
  }

  package struct Tensor: Sendable, Encodable {
    package let name: String
    package let shape: [Int]
    package let dtype: String
    package let bytes: Int
    /// XXH3-128 of the bytes, in hexadecimal digits.
    package let checksum: String?
    /// In place of `checksum` where the file has that.
    package let sha256: String?

    init(_ record: TensorRecord) {
      self.init(
        name: record.name, shape: record.shape, type: record.elementType, checksum: record.checksum)
    }

    init(name: String, shape: Shape, type: ElementType, checksum: TensorChecksum?) {
      self.name = name
      self.shape = shape.dimensions
      dtype = type.rawValue
      bytes = shape.elementCount * type.byteCount
      switch checksum {
      case .xxh3: (self.checksum, sha256) = (checksum?.hexadecimal, nil)
      case .sha256: (self.checksum, sha256) = (nil, checksum?.hexadecimal)
      case nil: (self.checksum, sha256) = (nil, nil)
      }
    }
  }

  package struct Source: Sendable, Encodable {
    package let file: String
    package let sha256: String?
    package let writer: String?
  }

  package let file: String
  package let format: String
  package let architecture: String?
  package let variant: String?
  package let parameters: Int
  package let trainableParameters: Int?
  package let macs: Int?
  /// (H, W, C).
  package let inputShape: [Int]?
  package let outputShapes: [[Int]]?
  package let preprocessing: String?
  package let classes: Int?
  package let layers: [Layer]
  package let tensors: [Tensor]
  package let source: Source
  package let verification: [String: String]
  package let licence: String?
  package let citation: String?
  package let accuracy: String?
  /// Why nothing is known of the network, where that is so.
  package let remark: String?

  enum CodingKeys: String, CodingKey {
    case file, format, architecture, variant, parameters
    case trainableParameters = "trainable_parameters"
    case macs
    case inputShape = "input_shape"
    case outputShapes = "output_shapes"
    case preprocessing, classes, layers, tensors
    case source, verification, licence, citation, accuracy, remark
  }

  /// Looks into any file that the program reads.
  ///
  /// A weight file whose network is unknown still has its tensors listed.
  ///
  /// - Parameter withDigests: whether the tensors of a weight file, which stores no checksums, are read
  ///   to compute them.
  package init(path: String, withDigests: Bool) throws {
    if try FileFormat.recognise(path: path) == .zoo {
      self.init(try ZooFile(path: path))
    } else {
      try self.init(WeightFiles.open(path: path), withDigests: withDigests)
    }
  }

  private init(_ zoo: ZooFile) {
    let document = zoo.document
    self.init(
      file: zoo.path, format: "zoo", graph: document.graph, card: document.card,
      tensors: zoo.tensors.map(Tensor.init),
      source: Source(
        file: document.source?.file ?? "", sha256: document.source?.sha256, writer: document.source?.writer),
      verification: document.verification, remark: nil)
  }

  private init(_ file: any WeightFile, withDigests: Bool) throws {
    var tensors: [Tensor] = []
    for entry in file.tensors {
      tensors.append(
        Tensor(
          name: entry.name, shape: entry.shape, type: entry.elementType,
          checksum: withDigests ? try file.read(entry).checksum : nil))
    }
    var recipe: Recipe?
    var remark: String?
    do {
      recipe = try Recipe(file: file)
    } catch {
      remark = error.description
    }
    let sources =
      withDigests
      ? try? file.sourcePaths.map { path throws(ZooError) in try MappedFile(path: path) } : nil
    self.init(
      file: file.path, format: file.layout.rawValue, graph: recipe?.graph, card: recipe?.card,
      tensors: tensors,
      source: Source(
        file: file.path, sha256: sources.map { SourceHashes(files: $0).checksum.hexadecimal },
        writer: file.writer),
      verification: [:], remark: remark)
  }

  private init(
    file: String, format: String, graph: Graph?, card: ModelCard?, tensors: [Tensor], source: Source,
    verification: [String: String], remark: String?
  ) {
    self.file = file
    self.format = format
    self.architecture = card?.architecture
    self.variant = card?.variant
    self.parameters = graph?.parameterCount ?? tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    self.trainableParameters = graph?.trainableParameterCount
    self.macs = graph?.macs
    self.inputShape = graph.map { $0[$0.inputs[0]].shape.dimensions }
    self.outputShapes = graph.map { graph in graph.outputs.map { graph[$0].shape.dimensions } }
    self.preprocessing = card?.preprocessing.rawValue
    self.classes = graph?.classCount
    self.layers =
      graph.map { graph in
        graph.nodes.map { node in
          Layer(
            name: node.name, kind: node.operation.kind, outputShape: node.shape.dimensions,
            parameters: node.sharing == nil ? node.weights.reduce(0) { $0 + $1.shape.elementCount } : 0,
            macs: graph.macs(of: node))
        }
      } ?? []
    self.tensors = tensors
    self.source = source
    self.verification = verification
    self.licence = card?.licence
    self.citation = card?.citation
    self.accuracy = card?.accuracy
    self.remark = remark
  }
}

extension StoredTensor {
  var checksum: TensorChecksum {
    defer { bytes.letGo() }
    return bytes.withUnsafeBytes { TensorChecksum(hashing: $0) }
  }
}
