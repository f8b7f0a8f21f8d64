import ZooGraph
import ZooTensor

/// Values of a weight that make the network's outputs no numbers.
public struct WeightFault: Sendable, Codable {
  /// The weight slot of the network, `LAYER/ROLE`.
  public let slot: String
  /// How many numbers the weight has.
  public let count: Int
  /// How many of them are no numbers.
  public let notNumbers: Int
  /// How many are infinite.
  public let infinite: Int
  /// How many are variances below zero.
  public let negativeVariances: Int

  enum CodingKeys: String, CodingKey {
    case slot, count
    case notNumbers = "not_numbers"
    case infinite
    case negativeVariances = "negative_variances"
  }

  /// What is wrong, in words.
  public var text: String {
    let parts = [
      notNumbers > 0 ? "\(notNumbers) not a number" : nil, infinite > 0 ? "\(infinite) infinite" : nil,
      negativeVariances > 0 ? "\(negativeVariances) negative" : nil,
    ].compactMap(\.self)
    return "'\(slot)' has bad values: of \(count), \(parts.joined(separator: ", "))"
  }

  /// The faults of all weights of `graph`, in its order.
  ///
  /// - Throws: what reading `weights` throws.
  static func all(of graph: Graph, weights: some WeightSource) throws -> [WeightFault] {
    var faults: [WeightFault] = []
    for node in graph.nodes where node.sharing == nil {
      // A batch norm adds its epsilon to the variance before it takes the root.
      var leastVariance = 0.0
      if case .batchNormalization(let norm) = node.operation { leastVariance = -norm.epsilon }
      for slot in node.weights {
        let isVariance = slot.role == .variance || slot.role == .movingVariance
        let fault = fault(
          of: try weights.tensorView(for: slot).stored, slot, isVariance ? Float(leastVariance) : nil)
        if let fault { faults.append(fault) }
      }
    }
    return faults
  }

  private static func fault(
    of tensor: StoredTensor, _ slot: WeightSlot, _ leastVariance: Float?
  ) -> WeightFault? {
    var (notNumbers, infinite, negative) = (0, 0, 0)
    tensor.forEachPart(length: 1 << 16) { part in
      defer { part.bytes.letGo() }
      if leastVariance == nil, part.isFinite { return }
      for value in part.floats() {
        if value.isNaN {
          notNumbers += 1
        } else if value.isInfinite {
          infinite += 1
        } else if let leastVariance, value < leastVariance {
          negative += 1
        }
      }
    }
    guard notNumbers + infinite + negative > 0 else { return nil }
    return WeightFault(
      slot: slot.name, count: slot.shape.elementCount, notNumbers: notNumbers, infinite: infinite,
      negativeVariances: negative)
  }
}

extension StoredTensor {
  /// Whether all values of a 32-bit tensor are finite; false for other types, whose values have to be looked at.
  fileprivate var isFinite: Bool {
    guard elementType == .float32 else { return false }
    return bytes.withUnsafeBytes { raw in
      guard let start = raw.baseAddress else { return true }
      var largest: UInt32 = 0
      // Without checks of bounds and overflow, it becomes vector instructions.
      for index in 0..<raw.count / 4 {
        let bits = UInt32(littleEndian: (start + 4 &* index).loadUnaligned(as: UInt32.self))
        largest = max(largest, bits & 0x7FFF_FFFF)
      }
      return largest < 0x7F80_0000
    }
  }
}
