import ZooGraph
import ZooTensor

// The entry `integers` of the header.

extension CBORWriter {
  mutating func integers(_ record: IntegerRecord, _ graph: Graph) {
    let ranges = graph.nodes.enumerated().compactMap { index, node in
      record.ranges[node.name].map { (index, $0) }
    }
    let floats = graph.nodes.indices.filter { record.floatLayers.contains(graph.nodes[$0].name) }
    map([
      ("floats", { $0.array(floats) { $0.unsigned($1) } }),
      (
        "ranges",
        {
          $0.array(ranges) {
            $0.array(count: 3)
            $0.unsigned($1.0)
            $0.array($1.1.lowest) { $0.float(Double($1)) }
            $0.array($1.1.highest) { $0.float(Double($1)) }
          }
        }
      ),
    ])
  }
}

extension HeaderFields {
  /// The entry as it stands.
  struct RawIntegers {
    var ranges: [(node: Int, range: ValueRange)] = []
    var floats: [Int] = []
  }

  static func integers(_ reader: inout CBORReader) throws(Failure) -> RawIntegers {
    var integers = RawIntegers()
    var keys = 0
    try reader.map { (reader, key) throws(Failure) in
      keys += 1
      switch key {
      case "floats":
        integers.floats = try reader.array(limit: Graph.nodeLimit) { (reader) throws(Failure) in
          try reader.int()
        }
      case "ranges":
        integers.ranges = try reader.array(limit: Graph.nodeLimit) { (reader) throws(Failure) in
          _ = try reader.arrayHead(3...3)
          let node = try reader.int()
          let lowest = try singles(&reader)
          let highest = try singles(&reader)
          guard let range = ValueRange(lowest: lowest, highest: highest) else {
            throw reader.failure("ranges that are not in order")
          }
          return (node, range)
        }
      default: throw reader.unknown(key)
      }
    }
    guard keys == 2 else { throw reader.failure("the entry 'integers' needs floats and ranges") }
    return integers
  }

  private static func singles(_ reader: inout CBORReader) throws(Failure) -> [Float] {
    try reader.array(limit: 1 << 20) { (reader) throws(Failure) in
      let value = try reader.float()
      guard Double(Float(value)) == value else { throw reader.failure("a number beyond 32 bits") }
      return Float(value)
    }
  }

  /// What the entry says of a graph's layers.
  static func record(_ raw: RawIntegers, _ graph: Graph) throws(Failure) -> IntegerRecord {
    func names(_ indices: [Int]) throws(Failure) -> [String] {
      var previous = -1
      for index in indices {
        guard index > previous, graph.nodes.indices.contains(index) else {
          throw Failure(
            position: 0, item: "integers", why: "layer #\(index) is not in order or not there")
        }
        previous = index
      }
      return indices.map { graph.nodes[$0].name }
    }
    let record = IntegerRecord(
      ranges: Dictionary(
        zip(try names(raw.ranges.map(\.node)), raw.ranges.map(\.range)),
        uniquingKeysWith: { first, _ in first }),
      floatLayers: Set(try names(raw.floats)))
    if let (layer, why) = graph.fault(of: record) {
      throw Failure(position: 0, item: "integers, layer '\(layer)'", why: why)
    }
    return record
  }
}
