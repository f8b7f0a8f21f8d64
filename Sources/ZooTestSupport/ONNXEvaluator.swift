import Foundation

/// Computes what an ONNX file says, in double precision and after the text of ONNX' specification: by other means
/// than this package's engines, and slowly.
package struct ONNXEvaluator {
  package struct Array: Sendable {
    package var shape: [Int]
    package var values: [Double]

    package init(_ shape: [Int], _ values: [Double]) {
      precondition(shape.reduce(1, *) == values.count, "\(values.count) values of \(shape)")
      self.shape = shape
      self.values = values
    }

    /// How far apart in `values` the steps of each axis are.
    var strides: [Int] { shape.indices.map { axis in shape[(axis + 1)...].reduce(1, *) } }
  }

  package struct Fault: Error {
    package let what: String
  }

  private let contents: ONNXContents

  package init(_ contents: ONNXContents) { self.contents = contents }

  /// The outputs for these inputs, both in the file's order. Weights in other files come from `external`.
  package func run(_ inputs: [Array], external: [UInt8] = []) throws -> [Array] {
    var values: [String: Array] = [:]
    for initializer in contents.initializers {
      var bytes = initializer.bytes[...]
      if let offset = initializer.external["offset"].flatMap({ Int($0) }),
        let length = initializer.external["length"].flatMap({ Int($0) })
      {
        bytes = external[offset..<offset + length]
      }
      values[initializer.name] = Array(
        initializer.shape, try Self.numbers([UInt8](bytes), type: initializer.type))
    }
    for (value, input) in zip(contents.inputs, inputs) { values[value.name] = input }
    for node in contents.nodes {
      let operands = try node.inputs.map { name -> Array? in
        guard !name.isEmpty else { return nil }
        guard let value = values[name] else { throw Fault(what: "\(node.name) reads '\(name)' too early") }
        return value
      }
      guard values[node.outputs[0]] == nil else { throw Fault(what: "two values '\(node.outputs[0])'") }
      values[node.outputs[0]] = try ONNXOperator(node).result(operands)
    }
    return try contents.outputs.map { output in
      guard let value = values[output.name] else { throw Fault(what: "no output '\(output.name)'") }
      guard output.shape.dropFirst() == value.shape.map(String.init).dropFirst() else {
        throw Fault(what: "'\(output.name)' has the shape \(value.shape), not \(output.shape)")
      }
      return value
    }
  }

  private static func numbers(_ bytes: [UInt8], type: Int) throws -> [Double] {
    try bytes.withUnsafeBytes { raw in
      switch type {
      case 1:
        stride(from: 0, to: raw.count, by: 4).map {
          Double(
            Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: $0, as: UInt32.self))))
        }
      case 7:
        stride(from: 0, to: raw.count, by: 8).map {
          Double(Int64(littleEndian: raw.loadUnaligned(fromByteOffset: $0, as: Int64.self)))
        }
      default: throw Fault(what: "an initializer of the type \(type)")
      }
    }
  }
}
