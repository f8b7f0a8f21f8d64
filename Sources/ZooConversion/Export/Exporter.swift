import ZooExport
import ZooFormat
import ZooGraph
import ZooKeras
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// Writes a model's weights, or the whole model, as a file that other programs read.
///
/// Weights keep their element types, except where a format's readers lack one: NumPy and Keras get
/// bfloat16 as 32-bit floats, which hold it exactly.
public struct Exporter: Sendable {
  /// Whose names and axes the tensors of a safetensors file have.
  public enum Axes: String, Sendable, CaseIterable {
    /// Keras' paths, and kernels of (height, width, inputs, outputs).
    case keras
    /// Those of MLX' layers, and kernels of (outputs, height, width, inputs).
    case mlx
  }

  /// The floats that a Core ML package holds and computes with.
  public enum Precision: String, Sendable, CaseIterable {
    /// 16 bits, which the Neural Engine needs.
    case f16
    /// 32 bits.
    case f32
  }

  /// What an export did.
  public struct Report: Sendable, Encodable {
    /// The file that was written.
    public let output: String
    /// Its format, for example `safetensors`.
    public let format: String
    /// The name of the network.
    public let architecture: String
    /// How many tensors it holds.
    public let tensors: Int
    /// How many weights.
    public let parameters: Int
    /// The bytes of all tensors.
    public let bytes: Int
    /// Tensors that are stored in a wider type than the model has them in.
    public let widened: Int
    /// The file beside the output that has the weights, where it would be too large with them.
    public var data: String?
    /// The floats of a Core ML package: `f16` or `f32`.
    public var precision: String?
    /// What a Core ML package takes and gives, for people.
    public var interface: String?
    /// How far 16-bit weights move any output of a Core ML package, of its largest value.
    public var largestError: Double?
    /// What that was measured on, for people.
    public var trials: String?

    private enum CodingKeys: String, CodingKey {
      case output, format, architecture, tensors, parameters, bytes, widened, data, precision, interface,
        trials
      case largestError = "largest_error"
    }
  }

  let recipe: Recipe
  let format: ExportFormat
  let output: String
  /// The order of the axes of images in the arrays of ONNX and Core ML models.
  let layout: ImageLayout
  let precision: Precision

  /// - Parameters:
  ///   - path: a `.zoo` file, or any weight file whose network is recognised.
  ///   - output: where to write; its ending chooses the format.
  ///   - axes: whose names and axes safetensors have.
  ///   - layout: the order of the axes of images in the arrays that an ONNX or Core ML model takes and gives.
  ///   - precision: the floats of a Core ML package.
  /// - Throws: `ZooError`, with the code `ZooError.Code.invalidArgument` for an ending that stands for no format, or not
  ///   for safetensors where `axes` asks for them.
  public init(
    path: String, output: String, axes: Axes = .keras, layout: ImageLayout = .nhwc,
    precision: Precision = .f16
  ) throws(ZooError) {
    self = try ZooError.wrap {
      try Exporter(reading: path, output: output, axes: axes, layout: layout, precision: precision)
    }
  }

  private init(
    reading path: String, output: String, axes: Axes, layout: ImageLayout, precision: Precision
  ) throws {
    // As a shell completes the name of a folder.
    var folder = output
    while folder.count > 1, folder.hasSuffix("/") { folder.removeLast() }
    let output = ExportFormat(path: folder) == .mlpackage ? folder : output
    let ending = ExportFormat(path: output)
    guard axes == .keras || ending == .safetensors else {
      throw ZooError(
        .invalidArgument, what: "unknown format", at: output, "weights for MLX are .safetensors",
        remedy: "Name the output with that ending.")
    }
    guard let format = axes == .mlx ? .mlx : ending else {
      let endings = ExportFormat.withEndings.map { ".\($0.rawValue)" }.joined(separator: ", ")
      throw ZooError(
        .invalidArgument, what: "unknown format", at: output,
        "its ending is not that of a format that can be written",
        remedy: "Known endings are \(endings).")
    }
    self.format = format
    self.output = output
    self.layout = layout
    self.precision = precision
    recipe = try Recipe(path: path)
  }

  /// Writes the file, whole or not at all.
  ///
  /// - Parameters:
  ///   - overwrite: whether an existing output is replaced.
  ///   - progress: gets the bytes of tensors written so far and in all.
  /// - Throws: `ZooError` where a weight can't be read, the format has no such layer or no such name, or the
  ///   output can't be written.
  public func export(
    overwrite: Bool, progress: @escaping (Int, Int) -> Void = { _, _ in }
  ) throws(ZooError) -> Report {
    try ZooError.wrap { try exported(overwrite: overwrite, progress: progress) }
  }

  private func exported(overwrite: Bool, progress: @escaping (Int, Int) -> Void) throws -> Report {
    if format == .mlpackage { return try exportedAsCoreML(overwrite: overwrite, progress: progress) }
    try AtomicFile.checkPossible(output, overwrite: overwrite)
    if format == .mlx { return try exportedForMLX(overwrite: overwrite, progress: progress) }
    if format == .onnx { return try exportedAsONNX(overwrite: overwrite, progress: progress) }
    if format == .kerasArchive { return try exportedAsKerasArchive(overwrite: overwrite, progress: progress) }
    let tensors = exportedTensors()
    let total = tensors.reduce(0) { $0 + $1.byteCount }
    var done = 0
    func count(_ bytes: Int) {
      done += bytes
      progress(done, total)
    }
    if format == .npz {
      try NumPyFile.write(to: output, overwrite: overwrite) { writer in
        for tensor in tensors {
          let stored = try read(tensor)
          try stored.bytes.withUnsafeBytes { bytes in
            try writer.add(
              kerasPath(tensor.slot), shape: stored.shape, elementType: stored.elementType, bytes: bytes)
          }
          stored.bytes.letGo()
          count(stored.bytes.count)
        }
      }
    } else {
      // libhdf5 opens files by their names alone.
      let file = try AtomicFile(path: output, hidden: format.isHDF5)
      try write(tensors, at: writeStructure(tensors, to: file), to: file, count)
      try file.commit(overwrite: overwrite)
    }
    return try report(tensors)
  }

  /// Writes the data of all tensors to their places.
  func write(
    _ tensors: [ExportedTensor], at offsets: [Int], to file: borrowing AtomicFile, _ count: (Int) -> Void
  ) throws {
    try file.withBackgroundWriter { writer in
      for (tensor, offset) in zip(tensors, offsets) {
        try write(read(tensor), to: writer, at: offset, count)
      }
    }
  }

  private func write(
    _ tensor: StoredTensor, to writer: BackgroundWriter, at offset: Int, _ count: (Int) -> Void
  ) throws {
    var offset = offset
    try tensor.forEachPart(length: Self.partLength) { part in
      try writer.write(part.bytes, at: offset)
      offset += part.bytes.count
      count(part.bytes.count)
    }
  }

  func report(_ tensors: [ExportedTensor]) throws -> Report {
    try report(
      tensors: tensors.count, widened: tensors.count { $0.elementType != $0.sourceType })
  }

  private func report(tensors: Int, widened: Int) throws -> Report {
    Report(
      output: output, format: format.rawValue, architecture: recipe.card.architecture,
      tensors: tensors, parameters: recipe.graph.parameterCount,
      bytes: try MappedFile(path: output).bytes.count, widened: widened)
  }

  /// The elements that are written at a time.
  static let partLength = 1 << 18

  // MARK: MLX

  private func exportedForMLX(overwrite: Bool, progress: (Int, Int) -> Void) throws -> Report {
    let zoo = (recipe.file as? ZooWeightFile)?.zoo
    let layout = try MLXLayout(
      graph: recipe.graph, types: exportedTensors().map { ($0.slot, $0.elementType) },
      codes: { try zoo?.quantizedTensor(for: $0) })
    var metadata = metadata
    metadata["format"] = "mlx"
    if !layout.quantized.isEmpty {
      metadata["quantization"] =
        JSONValue.object(
          layout.quantized.mapValues {
            .object(["bits": .number(Double($0.bits)), "group_size": .number(Double($0.group))])
          }
        ).text
    }
    let structure = try SafetensorsWriter(
      tensors: layout.tensors.map { .init(name: $0.name, shape: $0.shape, elementType: $0.elementType) },
      metadata: metadata)
    let file = try AtomicFile(path: output)
    try file.write(structure.start, at: 0)
    let total = layout.tensors.reduce(0) { $0 + $1.byteCount }
    var done = 0
    try file.withBackgroundWriter { writer in
      for (tensor, offset) in zip(layout.tensors, structure.offsets) {
        try Cancellation.check()
        try layout.forEachPart(
          of: tensor, length: Self.partLength, { try recipe.weights.tensor(for: $0) },
          { part, place in
            try writer.write(part, at: offset + place)
            done += part.count
            progress(done, total)
          })
      }
    }
    try file.commit(overwrite: overwrite)
    return try report(tensors: layout.tensors.count, widened: 0)
  }

  // MARK: Tensors

  struct ExportedTensor {
    let slot: WeightSlot
    let sourceType: ElementType
    /// As it is exported.
    let elementType: ElementType
    var byteCount: Int { slot.shape.elementCount * elementType.byteCount }
  }

  func exportedTensors() -> [ExportedTensor] {
    recipe.binding.assignments.map { assignment in
      let type = assignment.entry.elementType
      let isForeign = type == .bfloat16 && format != .safetensors && format != .mlx
      return ExportedTensor(slot: assignment.slot, sourceType: type, elementType: isForeign ? .float32 : type)
    }
  }

  func read(_ tensor: ExportedTensor) throws -> StoredTensor {
    let stored = try recipe.weights.tensor(for: tensor.slot)
    return tensor.elementType == stored.elementType
      ? stored : StoredTensor(shape: stored.shape, values: stored.floats())
  }

  /// The weight's path in Keras 3, which calls the kernel of a depthwise layer just `kernel`.
  private func kerasPath(_ slot: WeightSlot) -> String {
    guard slot.role == .depthwiseKernel,
      case .depthwiseConvolution = recipe.graph.node(named: slot.layer)?.operation
    else { return slot.name }
    return "\(slot.layer)/\(WeightRole.kernel.rawValue)"
  }

  // MARK: Structures

  /// Writes all but the data; returns where each tensor's data goes.
  private func writeStructure(
    _ tensors: [ExportedTensor], to file: borrowing AtomicFile
  ) throws -> [Int] {
    let layout = KerasModelLayout(graph: recipe.graph, places: recipe.kerasPlaces)
    switch format {
    case .kerasStore:
      try checkLayers()
      return try HDF5Writer.writeStructure(
        of: layout.store(tensors.map { ($0.slot, $0.elementType) }), to: file)
    case .legacy:
      try checkLayers()
      return try HDF5Writer.writeStructure(
        of: layout.legacy(tensors.map { ($0.slot, $0.elementType) }), to: file)
    case .legacyModel: return try writeModel(tensors, to: file)
    case .safetensors, .npz, .kerasArchive, .onnx, .mlpackage, .mlx:
      let layout = try SafetensorsWriter(
        tensors: tensors.map {
          .init(name: kerasPath($0.slot), shape: $0.slot.shape, elementType: $0.elementType)
        }, metadata: metadata)
      try file.write(layout.start, at: 0)
      return layout.offsets
    }
  }

  /// The same of a model with its configuration.
  private func writeModel(_ tensors: [ExportedTensor], to file: borrowing AtomicFile) throws -> [Int] {
    let model = try wholeModel(tensors)
    return try HDF5Writer.writeStructure(
      of: model.layout.legacyModel(model.tensors, configuration: model.configuration.text), to: file)
  }

  /// The network in layers of Keras.
  func wholeModel(
    _ tensors: [ExportedTensor]
  ) throws(ZooError) -> (
    layout: KerasModelLayout, tensors: [KerasModelLayout.Tensor], configuration: JSONValue
  ) {
    let graph = recipe.graph
    let reached = Set(graph.kerasOrder)
    for (index, node) in graph.nodes.enumerated() where !node.weights.isEmpty && !reached.contains(index) {
      throw cannotExport(node, Self.unreached)
    }
    let model = try KerasExpression(of: graph, training: recipe.layerTraining, at: recipe.file.path)
    let own = tensors.map { tensor in
      let slot = tensor.slot
      let layer = model.layers[slot.layer] ?? slot.layer
      return (WeightSlot(layer: layer, role: slot.role, shape: slot.shape), tensor.elementType)
    }
    return (
      KerasModelLayout(graph: model.graph, places: []), own,
      model.configuration(name: recipe.card.architecture)
    )
  }

  /// What a person who finds the file has to know.
  var metadata: [String: String] {
    var texts = [
      "architecture": recipe.card.architecture, "variant": recipe.card.variant,
      "preprocessing": recipe.card.preprocessing.rawValue, "writer": ZooDocument.currentTool,
    ]
    if let source = (recipe.file as? ZooWeightFile)?.zoo.document.source {
      texts["source_file"] = source.file
      texts["source_sha256"] = source.sha256
    }
    return texts
  }

  /// Keras finds weights by the order of its layers: where that can't be told from the graph, a file would
  /// load into the wrong places.
  private func checkLayers() throws(ZooError) {
    let graph = recipe.graph
    let reached = Set(graph.kerasOrder)
    for (index, node) in graph.nodes.enumerated() {
      let why: String
      if case .normalization = node.operation {
        why = "Keras stores how many examples a Normalization layer has seen, and this model does not"
      } else if !recipe.kerasPlaces.isEmpty {
        continue
      } else if !node.weights.isEmpty, !reached.contains(index) {
        why = Self.unreached
      } else if node.sharing != nil {
        why = "it uses the weights of another layer, so the order of layers in Keras is unknown"
      } else if let slash = node.name.lastIndex(of: "/"),
        graph.node(named: String(node.name[..<slash])) != nil
      {
        why = "it is a part of a Keras layer, so the order of layers in Keras is unknown"
      } else {
        continue
      }
      throw cannotExport(node, why)
    }
  }

  private static let unreached = "no output depends on this layer, so a Keras model does not have it"

  private func cannotExport(_ node: Node, _ why: String) -> ZooError {
    ZooError(
      .unsupported, what: "cannot export", at: "\(recipe.file.path), '\(node.name)'", why,
      remedy: "Export as .safetensors or .npz.")
  }
}
