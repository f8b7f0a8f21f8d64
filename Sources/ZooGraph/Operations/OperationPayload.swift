import ZooSystem
import ZooTensor

/// All that the graph has to know about one kind of operation: its name and attributes in files, its shape,
/// its weights and its cost.
///
/// A new kind of operation is a payload in the file of its family, and a case in `Operation.swift`. How it is
/// computed is not defined here: the reference engine and the planner each have their own switch over the
/// cases.
protocol OperationPayload: Sendable {
  /// The names of this payload's kinds in files; most have one. They never change.
  static var kinds: [String] { get }
  /// Whether operations of this kind can have weights; see ``WeightedPayload``.
  static var hasWeights: Bool { get }

  /// Reads the payload of an operation of the kind `fields.kind`.
  init(from fields: inout AttributeFields) throws(ZooError)

  /// The case of ``Operation`` that has this payload.
  var operation: Operation { get }
  /// The name of its kind in files, one of ``kinds``.
  var kind: String { get }
  /// All parameters, under the names that ``init(from:)`` reads.
  var attributes: [(String, AttributeValue)] { get }
  /// The Keras class in snake case.
  var kerasClassName: String { get }
  /// How many inputs it takes.
  var arity: ClosedRange<Int> { get }

  /// The shape of the output for one example, after checking that the operation is possible. There are as
  /// many inputs as ``arity`` allows.
  func outputShape(_ inputs: LayerInputs) throws(ZooError) -> Shape

  /// The weights for an input of this shape, in Keras' order, after ``outputShape(_:)`` has accepted it.
  func weights(for input: Shape) -> [WeightDeclaration]

  /// The multiply-accumulate operations for one example; `Int.max` where they are more.
  func macs(input: Shape, output: Shape) -> Int
}

/// A weight that an operation needs: its role and the extents of its axes.
typealias WeightDeclaration = (role: WeightRole, extents: [Int])

extension OperationPayload {
  static var hasWeights: Bool { false }
  var kind: String { Self.kinds[0] }
  var attributes: [(String, AttributeValue)] { [] }
  var arity: ClosedRange<Int> { 1...1 }
  func weights(for input: Shape) -> [WeightDeclaration] { [] }
  func macs(input: Shape, output: Shape) -> Int { 0 }
}

/// The payload of an operation that has weights.
protocol WeightedPayload: OperationPayload {}

extension WeightedPayload {
  static var hasWeights: Bool { true }
}

/// A payload without parameters.
protocol EmptyPayload: OperationPayload {
  init()
}

extension EmptyPayload {
  init(from fields: inout AttributeFields) { self.init() }
}

extension Shape {
  /// The extent of the last axis; 0 for a scalar.
  var channels: Int { dimensions.last ?? 0 }
}
