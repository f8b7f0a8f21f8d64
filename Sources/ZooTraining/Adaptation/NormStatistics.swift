import ZooFormat
import ZooGraph
import ZooSystem
import ZooTensor

/// A batch norm of a network, with its stored statistics.
struct BatchNorm {
  let layer: String
  let epsilon: Double
  /// What it reads, where it is called once; the inputs of all its calls otherwise.
  let inputs: [Value]
  let mean: WeightSlot
  let variance: WeightSlot

  var channels: Int { mean.shape.elementCount }

  /// The norms of a network in groups: those of one group do not depend on each other, only on earlier groups.
  ///
  /// - Throws: `ZooError` with the code `unsupported` where one layer is called at several depths.
  static func groups(of graph: Graph, path: String) throws(ZooError) -> [[BatchNorm]] {
    var depths = [Int](repeating: 0, count: graph.nodes.count)
    var groups: [[BatchNorm]] = []
    var places: [Int: (group: Int, place: Int)] = [:]
    for (index, node) in graph.nodes.enumerated() {
      let depth = node.inputs.reduce(0) { max($0, depths[$1.index]) }
      depths[index] = depth
      guard case .batchNormalization(let norm) = node.operation else { continue }
      depths[index] = depth + 1
      if let owner = node.sharing?.index, let place = places[owner] {
        guard place.group == depth else {
          throw ZooError(
            .unsupported, what: "batch norm called at several depths", at: "\(path), layer '\(node.name)'",
            "its statistics would depend on themselves")
        }
        let first = groups[depth][place.place]
        groups[depth][place.place] = BatchNorm(
          layer: first.layer, epsilon: first.epsilon, inputs: first.inputs + node.inputs, mean: first.mean,
          variance: first.variance)
        continue
      }
      guard let mean = node.weights.first(where: { $0.role == .movingMean }),
        let variance = node.weights.first(where: { $0.role == .movingVariance })
      else { continue }
      while groups.count <= depth { groups.append([]) }
      places[index] = (depth, groups[depth].count)
      groups[depth].append(
        BatchNorm(
          layer: node.name, epsilon: norm.epsilon, inputs: node.inputs, mean: mean, variance: variance))
    }
    return groups
  }
}

/// The sums that a norm's statistics follow from, over all pixels of all pictures.
struct NormSums {
  /// What is subtracted first, so that squares lose no digits where means are large.
  private let shift: [Double]
  private var sums: [Double]
  private var squares: [Double]
  private var count = 0

  /// - Parameter shift: about the means, one for each channel.
  init(shift: [Double]) {
    self.shift = shift
    sums = [Double](repeating: 0, count: shift.count)
    squares = sums
  }

  /// Adds the pixels of a picture, (…, channels).
  mutating func add(_ values: [Float]) {
    let channels = shift.count
    values.withUnsafeBufferPointer { values in
      shift.withUnsafeBufferPointer { shift in
        sums.withUnsafeMutableBufferPointer { sums in
          squares.withUnsafeMutableBufferPointer { squares in
            for start in stride(from: 0, to: values.count, by: channels) {
              for channel in 0..<channels {
                let distance = Double(values[start + channel]) - shift[channel]
                sums[channel] += distance
                squares[channel] += distance * distance
              }
            }
          }
        }
      }
    }
    count += values.count / channels
  }

  var mean: [Double] { zip(shift, sums).map { $0 + $1 / Double(count) } }

  /// Of all values, not of a sample: divided by their number.
  var variance: [Double] {
    zip(sums, squares).map { sum, square in
      let mean = sum / Double(count)
      return max(0, square / Double(count) - mean * mean)
    }
  }
}
