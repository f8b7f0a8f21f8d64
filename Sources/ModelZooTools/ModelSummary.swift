import ZooConversion
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// What `zoo inspect` tells of a file, as its JSON has it.
public struct ModelSummary: Sendable, Encodable {
  /// A tensor of the file.
  public struct Tensor: Sendable, Encodable {
    /// Its name in the file; `LAYER/ROLE` in a `.zoo` file.
    public let name: String
    /// Its extents, outermost first.
    public let shape: [Int]
    /// Its element type, for example `f32`; in a `.zoo` file also `i8`, `i4` or `u4`, for whole numbers with scales.
    public let dtype: String
    /// Its size in the file.
    public let bytes: Int
    /// Its size once it is decoded, where its bytes are coded without loss.
    public let decodedBytes: Int?
    /// What storing it changed at most, of its largest value; nil where it changed nothing.
    public let storageError: Double?
    /// XXH3-128 of the bytes, in hexadecimal digits.
    public let checksum: String?
    /// In place of `checksum` where the file has that.
    public let sha256: String?

    enum CodingKeys: String, CodingKey {
      case name, shape, dtype, bytes
      case decodedBytes = "decoded_bytes"
      case storageError = "storage_error"
      case checksum, sha256
    }

    init(_ record: TensorRecord) {
      self.init(
        name: record.name, shape: record.shape, dtype: record.form.name, bytes: record.byteCount,
        decodedBytes: record.planes.isEmpty ? nil : record.plainByteCount,
        storageError: record.storageError?.relative, checksum: record.checksum)
    }

    init(name: String, shape: Shape, type: ElementType, checksum: TensorChecksum?) {
      self.init(
        name: name, shape: shape, dtype: type.rawValue, bytes: shape.elementCount * type.byteCount,
        checksum: checksum)
    }

    private init(
      name: String, shape: Shape, dtype: String, bytes: Int, decodedBytes: Int? = nil,
      storageError: Double? = nil, checksum: TensorChecksum?
    ) {
      self.name = name
      self.shape = shape.dimensions
      self.dtype = dtype
      self.bytes = bytes
      self.decodedBytes = decodedBytes
      self.storageError = storageError
      switch checksum {
      case .xxh3: (self.checksum, sha256) = (checksum?.hexadecimal, nil)
      case .sha256: (self.checksum, sha256) = (nil, checksum?.hexadecimal)
      case nil: (self.checksum, sha256) = (nil, nil)
      }
    }
  }

  /// Something in a weight file that is no weight, such as an optimizer's state.
  public struct LeftOut: Sendable, Encodable {
    /// Its path in the file.
    public let name: String
    /// What it is.
    public let reason: String
  }

  /// A class that the model tells apart.
  public struct Label: Sendable, Encodable {
    /// Its identifier, for example of WordNet; empty where it has none.
    public let id: String
    /// Its name.
    public let label: String
  }

  /// The weight file that the model comes from.
  public struct Source: Sendable, Encodable {
    /// Its name.
    public let file: String
    /// Its SHA-256, in hexadecimal digits.
    public let sha256: String?
    /// The program that wrote it, where the file says so.
    public let writer: String?
    /// By the layer's name, what a person stated that its Python code computes.
    public let lambdas: [String: String]?

    init(file: String, sha256: String?, writer: String?, lambdas: [String: String] = [:]) {
      self.file = file
      self.sha256 = sha256
      self.writer = writer
      self.lambdas = lambdas.isEmpty ? nil : lambdas
    }
  }

  /// The file.
  public let file: String
  /// `zoo`, or how a weight file names and orders its tensors.
  public let format: String
  /// The catalogue's name of the network, or the model's name in its configuration.
  public let architecture: String?
  /// Which member of the family, in words.
  public let variant: String?
  /// The number of weights.
  public let parameters: Int
  /// The number of weights that training changes.
  public let trainableParameters: Int?
  /// Multiplications for one example.
  public let macs: Int?
  /// (H, W, C).
  public let inputShape: [Int]?
  /// The shape of one example of each output.
  public let outputShapes: [[Int]]?
  /// How pixels become what enters the network, see `Preprocessing`.
  public let preprocessing: String?
  /// Whether the network itself scales the pixels, so that they go in as they are.
  public let preprocessingIsInside: Bool?
  /// How pictures are resized, where the file says it of the network's own program, for example `bicubic`.
  public let resize: String?
  /// What is then cut off, for example `0.875`; see `PictureFitting`.
  public let crop: String?
  /// What values are computed in: `int8` where the file asks for it, else `f32`; nil for weight files.
  public let activations: String?
  /// With activations of 8 bits, the layers that are computed in 32-bit floats although they could be computed on codes.
  public let floatLayers: [String]?
  /// The number of classes.
  public let classes: Int?
  /// The classes by name, in the order of the output; none where the file does not name them.
  public let labels: [Label]
  /// In the order in which they run.
  public let layers: [Layer]
  /// In the order of the file.
  public let tensors: [Tensor]
  /// What else the file holds.
  public let leftOut: [LeftOut]
  /// Tensors of a weight file that the network has no use for.
  public let unused: [LeftOut]
  /// Where the weights come from.
  public let source: Source
  /// The SHA-256 of a `.zoo` file's graph, weights and preprocessing, in hexadecimal digits: the same on every
  /// machine and for every name of the source. Nil for other files.
  public let content: String?
  /// What each check found when the file was written.
  public let verification: [String: String]
  /// The licence of the weights.
  public let licence: String?
  /// How to cite the architecture.
  public let citation: String?
  /// Measured accuracy in percent, and on what.
  public let accuracy: String?
  /// How the model was trained, where `zoo train` did it.
  public let training: Training?
  /// Why nothing is known of the network, where that is so.
  public var remark: String?

  enum CodingKeys: String, CodingKey {
    case file, format, architecture, variant, parameters
    case trainableParameters = "trainable_parameters"
    case macs
    case inputShape = "input_shape"
    case outputShapes = "output_shapes"
    case preprocessing
    case preprocessingIsInside = "preprocessing_is_inside"
    case resize, crop
    case activations
    case floatLayers = "float_layers"
    case classes, labels, layers, tensors
    case leftOut = "left_out"
    case unused, source, content, verification, licence, citation, accuracy, training, remark
  }

  /// Looks into any file that the program reads.
  ///
  /// A weight file whose network is unknown still has its tensors listed.
  ///
  /// - Parameters:
  ///   - path: a `.zoo` file or a weight file.
  ///   - withDigests: whether the tensors of a weight file, which stores no checksums, are read to compute them.
  /// - Throws: `ZooError` where the file can't be read.
  public init(path: String, withDigests: Bool = false) throws(ZooError) {
    self = try ZooError.wrap {
      switch try ModelFile.open(path: path) {
      case .zoo(let zoo): ModelSummary(zoo)
      case .weights(let file): try ModelSummary(file, withDigests: withDigests)
      }
    }
  }

  private init(_ zoo: ZooFile) {
    let document = zoo.document
    self.init(
      file: zoo.path, format: "zoo", graph: document.graph, card: document.card, labels: document.labels,
      tensors: zoo.tensors.map(Tensor.init),
      source: Source(
        file: document.source?.file ?? "", sha256: document.source?.sha256, writer: document.source?.writer,
        lambdas: document.source?.lambdas ?? [:]),
      content: zoo.contentHash?.hexadecimal,
      verification: document.verification, training: document.training.map(Training.init),
      activations: document.integers == nil ? "f32" : "int8",
      floatLayers: document.integers.map { $0.floatLayers.sorted() }, remark: nil)
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
    var remark = file.remark
    do {
      recipe = try Recipe(file: file)
    } catch {
      remark = [error.description, remark, error.remedy].compactMap(\.self).joined(separator: "; ")
    }
    let layers =
      recipe == nil
      ? DescribedLayer.all(of: file).map(Layer.init) : []
    let sources =
      withDigests
      ? try? file.sourcePaths.map { path throws(ZooError) in try MappedFile(path: path) } : nil
    self.init(
      file: file.path, format: file.layout.rawValue, graph: recipe?.graph, card: recipe?.card,
      labels: recipe?.labels ?? [],
      layers: layers, tensors: tensors,
      leftOut: file.ignored.map { LeftOut(name: $0.name, reason: $0.reason) },
      unused: recipe.map { recipe in
        recipe.binding.unused.map { LeftOut(name: $0.name, reason: recipe.reason(ofUnused: $0)) }
      } ?? [],
      source: Source(
        file: file.path, sha256: sources.map { SourceHashes(files: $0).checksum.hexadecimal },
        writer: file.writer),
      verification: [:], remark: remark)
  }

  private init(
    file: String, format: String, graph: Graph?, card: ModelCard?, labels: [ClassLabel], layers: [Layer] = [],
    tensors: [Tensor], leftOut: [LeftOut] = [], unused: [LeftOut] = [], source: Source,
    content: String? = nil,
    verification: [String: String], training: Training? = nil, activations: String? = nil,
    floatLayers: [String]? = nil, remark: String?
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
    self.preprocessingIsInside = graph.flatMap { graph in card.map { graph.scalesPixels(as: $0) } }
    self.resize = card?.pixels?.resampling
    self.crop = card?.pixels?.crop
    self.activations = activations
    self.floatLayers = floatLayers
    self.classes = graph?.classCount
    self.labels = labels.map { Label(id: $0.id, label: $0.name) }
    self.layers =
      graph.map { graph in graph.nodes.map { Layer(Model.Layer($0, in: graph)) } } ?? layers
    self.tensors = tensors
    self.leftOut = leftOut
    self.unused = unused
    self.source = source
    self.content = content
    self.verification = verification
    self.licence = card?.licence
    self.citation = card?.citation
    self.accuracy = card?.accuracy
    self.training = training
    self.remark = remark
  }
}

extension StoredTensor {
  var checksum: TensorChecksum {
    defer { bytes.letGo() }
    return bytes.withUnsafeBytes { TensorChecksum(hashing: $0) }
  }
}
