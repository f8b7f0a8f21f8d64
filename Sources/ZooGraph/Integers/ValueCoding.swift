import ZooTensor

/// In which codes the values of a network can be written.
struct ValueCoding {
  /// By value.
  private(set) var codes: [ValueCode?] = []
  /// By value, that whose range counts for it.
  private(set) var roots: [Int]
  /// Values whose codes end at 0 because nothing but ReLUs reads them: directly, through a concatenation, or through
  /// layers that hand on codes.
  private(set) var isRectified: Set<Int> = []

  init(_ graph: Graph, _ form: IntegerForm, readers: [[Int]], outputs: Set<Int>) {
    roots = Array(graph.nodes.indices)
    // What a value is a part of, where nothing else reads it: it is written in the codes of the whole.
    var joins: [Int: Int] = [:]
    for (index, node) in graph.nodes.enumerated().reversed()
    where !node.inputs.isEmpty && !outputs.contains(index) && !readers[index].isEmpty {
      let readers = readers[index]
      let areRectifying = readers.allSatisfy {
        let reader = graph.nodes[$0].operation
        return reader == .activation(.relu) || reader.keepsCodes && isRectified.contains($0)
      }
      if areRectifying { isRectified.insert(index) }
      if readers.count == 1, graph.nodes[readers[0]].operation == .concatenate {
        joins[index] = readers[0]
        if isRectified.contains(readers[0]) { isRectified.insert(index) }
      }
    }
    // What hands on codes has those of its source.
    for (index, node) in graph.nodes.enumerated() where node.operation.keepsCodes {
      if !node.inputs.allSatisfy({ isRectified.contains($0.index) }) { isRectified.remove(index) }
    }
    var ranges = [ValueRange?](repeating: nil, count: graph.nodes.count)
    for index in graph.nodes.indices.reversed() {
      if let join = joins[index], let whole = ranges[join], whole.lowest.count == 1 {
        (ranges[index], roots[index]) = (whole, roots[join])
        continue
      }
      let channels = graph.nodes[index].shape.image.channels
      ranges[index] = form.ranges[Value(index: index)].flatMap {
        $0.lowest.count == 1 || $0.lowest.count == channels ? $0 : nil
      }
    }
    for (index, node) in graph.nodes.enumerated() {
      let source = node.inputs.first?.index
      let sourceCode = source.flatMap { codes[$0] }
      switch node.operation {
      case .input: codes.append(ranges[index].map { ValueCode(ofInput: $0) })
      case .flatten, .reshape:
        codes.append(sourceCode.flatMap { $0.isUniform ? $0 : nil })
        roots[index] = source.map { roots[$0] } ?? index
      case let operation where operation.keepsCodes:
        codes.append(sourceCode)
        roots[index] = source.map { roots[$0] } ?? index
      case .activation(.relu) where source.map(isRectified.contains) == true:
        codes.append(sourceCode)
        roots[index] = source.map { roots[$0] } ?? index
      default:
        var bounds = node.operation.endActivation?.bounds ?? (-.infinity, .infinity)
        if isRectified.contains(index) { bounds.lo = max(bounds.lo, 0) }
        if joins[index] != nil { bounds = (isRectified.contains(index) ? 0 : -.infinity, .infinity) }
        codes.append(ranges[index].map { ValueCode($0, cutOff: bounds) })
      }
    }
  }
}

extension Operation {
  /// Whether codes of what it reads are codes of what it computes.
  fileprivate var keepsCodes: Bool {
    switch self {
    case .identity, .activation(.linear), .zeroPadding, .maxPooling, .flatten, .reshape: true
    default: false
    }
  }
}
