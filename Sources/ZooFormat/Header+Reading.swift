import ZooGraph
import ZooSystem
import ZooTensor

extension Header {
  /// Reads and checks a whole header of that version of the format; `path` is for errors.
  init(_ bytes: UnsafeRawBufferPointer, version: UInt32, path: String) throws(ZooError) {
    do throws(CBORReader.Failure) {
      var reader = CBORReader(bytes)
      let fields = try HeaderFields(&reader, version: version)
      guard reader.isAtEnd else { throw reader.failure("there are bytes after the end of the header") }
      self = try fields.header()
    } catch {
      throw ZooError(
        error.code, ".zoo file", at: "\(path), \(error.item ?? "header byte \(error.position)")", error.why)
    }
  }
}

// What the entries say together.
extension HeaderFields {
  func header() throws(Failure) -> Header {
    guard let card, let operations, let nodes, let outputs, let tensors, let tool else {
      throw Self.problem(
        "header", "an entry is missing; it needs card, operations, nodes, outputs, tensors and tool")
    }
    let graph = try Self.graph(operations: operations, nodes: nodes, outputs: outputs)
    if !labels.isEmpty {
      let classes = graph[graph.outputs[0]].shape.dimensions.last ?? 0
      guard labels.count == classes || labels.count == 2 && graph.outputKind == .twoClasses else {
        throw Self.problem("labels", "there are \(labels.count) for \(classes) classes")
      }
    }
    if let testCase { try Self.check(testCase, graph) }
    if let why = training?.fault(in: graph) { throw Self.problem("training record", why) }
    if !kerasPlaces.isEmpty, let (layer, why) = graph.fault(of: kerasPlaces) {
      throw Self.problem("place of '\(layer)' in Keras", why)
    }
    let layerTraining = try Self.layerTraining(layerTraining, graph)
    var record: IntegerRecord?
    if let integers { record = try Self.record(integers, graph) }
    let document = ZooDocument(
      graph: graph, card: card, kerasPlaces: kerasPlaces, labels: labels, source: source, testCase: testCase,
      verification: verification, training: training, layerTraining: layerTraining,
      integers: record, tool: tool)
    return Header(document: document, tensors: try Self.records(tensors, graph))
  }

  private static func problem(_ item: String, _ why: String) -> Failure {
    Failure(position: 0, item: item, why: why)
  }

  private static func graph(
    operations: [RawOperation], nodes: [RawNode], outputs: [Int]
  ) throws(Failure) -> Graph {
    var known: [Operation] = []
    var distinct: Set<Operation> = []
    var layers: [Graph.Layer] = []
    layers.reserveCapacity(nodes.count)
    do throws(ZooError) {
      for node in nodes {
        guard node.operation <= known.count, node.operation < operations.count else {
          throw ZooError.invalidNetwork(
            layer: node.name, "its operation #\(node.operation) is not the next or an earlier one")
        }
        if node.operation == known.count {
          let raw = operations[node.operation]
          let operation = try Operation(kind: raw.kind, attributes: raw.attributes, layer: node.name)
          guard distinct.insert(operation).inserted else {
            throw ZooError.invalidNetwork(
              layer: node.name, "its operation #\(node.operation) is listed twice")
          }
          known.append(operation)
        }
        layers.append(
          Graph.Layer(
            name: node.name, operation: known[node.operation], inputs: node.inputs, sharing: node.sharing))
      }
      guard known.count == operations.count else {
        throw ZooError.invalidNetwork(layer: "", "operation #\(known.count) is used by no layer")
      }
      return try Graph(layers: layers, outputs: outputs)
    } catch {
      throw problem(error.location, error.why)
    }
  }

  private static func layerTraining(
    _ list: [(node: Int, training: LayerTraining)], _ graph: Graph
  ) throws(Failure) -> [String: LayerTraining] {
    var table: [String: LayerTraining] = [:]
    var previous = -1
    for (index, training) in list {
      guard index > previous, graph.nodes.indices.contains(index) else {
        throw problem("training of layers", "layer #\(index) is not in order or not there")
      }
      previous = index
      table[graph.nodes[index].name] = training
    }
    if let (layer, why) = graph.fault(of: table) { throw problem("training of layer '\(layer)'", why) }
    return table
  }

  private static func records(_ tensors: [RawTensor], _ graph: Graph) throws(Failure) -> [TensorRecord] {
    let slots = graph.weightSlots
    var records: [TensorRecord] = []
    records.reserveCapacity(slots.count)
    var end = 0
    for (index, (raw, slot)) in zip(tensors, slots).enumerated() {
      let node = graph.nodes.indices.contains(raw.node) ? graph.nodes[raw.node] : nil
      guard let node, node.name == slot.layer, raw.role == slot.role else {
        let layer = node?.name ?? "#\(raw.node)"
        throw problem("tensor #\(index)", "it is '\(layer)/\(raw.role.rawValue)', expected '\(slot.name)'")
      }
      func wrong(_ why: String) -> Failure { problem("tensor '\(slot.name)'", why) }
      guard raw.extents == slot.shape.dimensions else {
        throw wrong("its shape is \(raw.extents), the layer needs \(slot.shape.dimensions)")
      }
      let form = try form(raw, slot, node.operation)
      try check(raw, form, slot)
      guard let start = Preamble.aligned(end), raw.offset == start else {
        throw wrong(
          "it starts at byte \(raw.offset) of the data, expected the next multiple of 64 from \(end)")
      }
      // No overflow: an offset is the sum of at most 5 * nodeLimit lengths of at most 2^43 bytes.
      end = start + raw.byteCount
      records.append(
        TensorRecord(
          slot: slot, form: form, planes: raw.details.planes, offset: raw.offset, byteCount: raw.byteCount,
          checksum: raw.checksum, plainChecksum: raw.details.plain, storageError: raw.details.error))
    }
    guard tensors.count == slots.count else {
      if tensors.count < slots.count {
        throw problem("tensor '\(slots[tensors.count].name)'", "it is missing")
      }
      throw problem("tensor #\(slots.count)", "the network has only \(slots.count) weights")
    }
    return records
  }

  /// How a tensor is stored, as far as its layer allows it.
  private static func form(
    _ raw: RawTensor, _ slot: WeightSlot, _ operation: Operation
  ) throws(Failure) -> TensorForm {
    switch raw.kind {
    case .values(let type):
      guard raw.details.group == nil else {
        throw problem("tensor '\(slot.name)'", "it has groups, but its type is \(type.rawValue)")
      }
      return .values(type)
    case .codes(let kind):
      guard let form = operation.quantizedForm(kind, group: raw.details.group, of: slot) else {
        let groups = raw.details.group.map { " in groups of \($0)" } ?? ""
        throw problem(
          "tensor '\(slot.name)'", "its type is \(kind.rawValue)\(groups), which such weights can't have")
      }
      return .codes(form)
    }
  }

  /// Checks the number of bytes, as far as it is known before they are read, and how they are coded.
  private static func check(_ raw: RawTensor, _ form: TensorForm, _ slot: WeightSlot) throws(Failure) {
    func wrong(_ why: String) -> Failure { problem("tensor '\(slot.name)'", why) }
    let elements = slot.shape.elementCount
    let plain = form.byteCount(elements: elements)
    let planes = raw.details.planes
    guard !planes.isEmpty else {
      guard raw.details.plain == nil else {
        throw wrong("it has a checksum of decoded bytes, but is not coded")
      }
      guard raw.byteCount == plain else {
        throw wrong("it has \(raw.byteCount) bytes, but its shape and type need \(plain)")
      }
      return
    }
    guard form.canBeCoded, planes.count == form.codedWidth else {
      throw wrong("it has \(planes.count) planes, but its type is \(form.name)")
    }
    guard raw.details.plain != nil else {
      throw wrong("it is coded, but has no checksum of its decoded bytes")
    }
    guard planes.contains(where: { $0 != .raw }) else {
      throw wrong("it is coded, but all of its planes are raw")
    }
    guard raw.byteCount < plain else {
      throw wrong("it has \(raw.byteCount) bytes, coded, but its shape and type need only \(plain)")
    }
  }

  private static func check(_ testCase: TestCase, _ graph: Graph) throws(Failure) {
    func wrong(_ why: String) -> Failure { problem("test case", why) }
    guard testCase.outputs.count == graph.outputs.count else {
      throw wrong("it has \(testCase.outputs.count) outputs, the network \(graph.outputs.count)")
    }
    var total = 0
    for (output, value) in zip(testCase.outputs, graph.outputs) {
      guard output.largest >= 0 else {
        throw wrong("an output's largest absolute value is \(output.largest)")
      }
      total += output.samples.count
      var previous = -1
      for sample in output.samples {
        guard sample.index > previous, sample.index < graph[value].shape.elementCount else {
          throw wrong("sample \(sample.index) is not in order or not in the output")
        }
        previous = sample.index
      }
    }
    guard total <= TestCase.sampleLimit else { throw wrong("it has \(total) samples") }
  }
}
