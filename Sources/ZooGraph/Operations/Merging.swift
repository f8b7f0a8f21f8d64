import ZooSystem
import ZooTensor

// MARK: Value by value

/// How two or more inputs become one, value by value. Shapes are broadcast as NumPy does it for single
/// examples: aligned at the last axis, where an extent of 1 or a missing axis repeats.
package enum Merge: String, Hashable, Sendable, CaseIterable {
  case add
  /// The first of two inputs minus the second.
  case subtract
  case multiply
  case average
  case maximum
  case minimum

  /// Whether the order of the inputs makes no difference.
  package var isCommutative: Bool { self != .subtract }
}

/// The most inputs that a merge or concatenation may have.
private let mergeLimit = 1024

extension Merge: OperationPayload {
  /// The most axes of a merged value.
  private static let rankLimit = 8

  static let kinds = allCases.map(\.rawValue)
  var kind: String { rawValue }
  var operation: Operation { .merge(self) }
  var kerasClassName: String { rawValue }
  var arity: ClosedRange<Int> { self == .subtract ? 2...2 : 2...mergeLimit }

  init(from fields: inout AttributeFields) throws(ZooError) {
    guard let merge = Merge(rawValue: fields.kind) else {
      throw fields.invalid("its kind '\(fields.kind)' is unknown")
    }
    self = merge
  }

  /// The shape to which all inputs are repeated.
  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
    var result = inputs.first.dimensions
    for shape in inputs.shapes.dropFirst() {
      let rank = max(result.count, shape.rank)
      guard rank <= Merge.rankLimit else { throw inputs.invalid("it merges values of \(rank) axes") }
      let both = [result, shape.dimensions].map { Array(repeating: 1, count: rank - $0.count) + $0 }
      for axis in 0..<rank where both[0][axis] != both[1][axis] && both[0][axis] != 1 && both[1][axis] != 1 {
        throw inputs.invalid("it merges (\(rawValue)) shapes \(inputs.first) and \(shape)")
      }
      result = zip(both[0], both[1]).map { max($0, $1) }
    }
    return try inputs.shape(result)
  }
}

// MARK: Side by side

extension Operation {
  struct Concatenation: EmptyPayload {
    static let kinds = ["concatenate"]
    var operation: Operation { .concatenate }
    var kerasClassName: String { "concatenate" }
    var arity: ClosedRange<Int> { 2...mergeLimit }

    func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape {
      let others = inputs.first.dimensions.dropLast()
      var channels = 0
      for shape in inputs.shapes {
        guard shape.rank >= 1, shape.dimensions.dropLast() == others else {
          throw inputs.invalid("it joins shapes \(inputs.first) and \(shape)")
        }
        channels += shape.channels
      }
      return try inputs.shape(others + [channels])
    }
  }
}
