import ZooFormat
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// Inputs and outputs that another framework computed, to compare with.
///
/// They are the arrays of an `.npz` file, named as ``IOArrays`` says. Where there is an array in double
/// precision too, it counts as the truth.
package struct IOComparison {
  /// An array of the file that names a value of the graph.
  private struct Target {
    let name: String
    let value: Value
    let expected: TensorEntry
    let truth: TensorEntry?
  }

  private let file: any WeightFile
  private let graph: Graph
  private let targets: [Target]
  private let inputs: [Tensor]
  /// Arrays that name no value of the graph.
  package let unmatched: [String]

  package init(path: String, graph: Graph) throws {
    file = try WeightFiles.open(path: path)
    self.graph = graph
    let entries = Dictionary(file.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let inputNames = graph.inputs.indices.map(IOArrays.input)
    var inputs: [Tensor] = []
    for name in inputNames {
      guard let x = entries[name] else {
        throw ZooError(.missing, what: "no input to compare with", at: path, "there is no array '\(name)'")
      }
      let stored = try file.read(x)
      inputs.append(Tensor(shape: stored.shape, values: stored.floats()))
    }
    self.inputs = inputs
    var targets: [Target] = []
    var unmatched: [String] = []
    for entry in file.tensors where !inputNames.contains(entry.name) && !IOArrays.isTruth(entry.name) {
      if let value = IOArrays.value(named: entry.name, in: graph) {
        targets.append(
          Target(
            name: entry.name, value: value, expected: entry, truth: entries[IOArrays.truth(of: entry.name)]))
      } else {
        unmatched.append(entry.name)
      }
    }
    guard !targets.isEmpty else {
      throw ZooError(
        .missing, what: "nothing to compare with", at: path,
        "no array is named after an output (y, y1, …) or a layer (tap:LAYER)")
    }
    self.targets = targets
    self.unmatched = unmatched
  }

  /// The height and width of the pictures that the file at `path` has as the input `x`, (N, H, W, C); nil where
  /// these are no pictures, or there is no such file.
  package static func inputSize(path: String) -> Extent2D? {
    guard let file = try? WeightFiles.open(path: path),
      let shape = file.tensors.first(where: { $0.name == IOArrays.input(0) })?.shape, shape.rank == 4,
      (1...4).contains(shape[3])
    else { return nil }
    return Extent2D(shape[1], shape[2])
  }

  /// Runs the fast engine and compares.
  ///
  /// The error may be `relativeTolerance` of the largest value. With a truth in double precision it may also
  /// be ``Tolerances/timesOtherFrameworks`` that of the other framework's own 32-bit result, if that is more.
  /// Where the other framework computes in less than 32 bits and there is no truth, its own error is allowed.
  package func check(
    weights: some WeightSource, relativeTolerance: Double, precision: SourcePrecision? = nil, threads: Int
  ) throws -> VerificationReport.Check {
    let engine = try Engine(
      graph: graph, weights: weights, options: PlanOptions(threads: threads, taps: targets.map(\.value)))
    let kept = try engine.makeSession().run(inputs, keeping: targets.map(\.value)).kept
    var worst = Worst()
    var logRatios: [Double] = []
    for target in targets {
      guard let ours = kept[target.value] else { continue }
      let expected = try file.read(target.expected).doubles()
      guard expected.count == ours.values.count else {
        throw ZooError(
          .doesNotFit, what: "array does not fit", at: "\(file.path), '\(target.name)'",
          "its shape is \(target.expected.shape), the network's output is \(ours.shape)")
      }
      let truth = try target.truth.map { try file.read($0).doubles() } ?? expected
      guard truth.count == expected.count else {
        throw ZooError(
          .doesNotFit, what: "array does not fit", at: "\(file.path), '\(IOArrays.truth(of: target.name))'",
          "its length differs from that of '\(target.name)'")
      }
      let allowed =
        target.truth == nil
        ? max(relativeTolerance, precision.map(Tolerances.outputs(computedIn:)) ?? 0) : relativeTolerance
      let largest = largestMagnitude(truth)
      let error = largestDifference(ours.values, truth)
      let theirs = largestDifference(expected, truth)
      let theirShare = theirs.isFinite ? Tolerances.timesOtherFrameworks * theirs : 0
      worst.consider(error: error, tolerance: max(theirShare, allowed * largest), location: target.name)
      if theirs > 0, theirs.isFinite, error > 0, error.isFinite { logRatios.append(log(error / theirs)) }
    }
    var detail = "\(targets.count) arrays of \(file.path)"
    let ratio = logRatios.isEmpty ? nil : exp(logRatios.reduce(0, +) / Double(logRatios.count))
    if let ratio {
      detail +=
        ", error against double precision \(significant(ratio)) times the other framework's own (geometric mean)"
    }
    if let precision {
      detail +=
        "; the original computes in \(precision.text); without a truth in double precision (y:64), "
        + "\(significant(Tolerances.outputs(computedIn: precision))) of the largest value is allowed"
    }
    if !unmatched.isEmpty { detail += "; not compared: \(unmatched.joined(separator: ", "))" }
    return worst.check("recorded inputs and outputs", errorRatio: ratio, detail: detail)
  }
}

/// The largest absolute difference; infinite where only one holds a value that is no number, or infinite.
func largestDifference(_ a: [some BinaryFloatingPoint], _ b: [Double]) -> Double {
  zip(a, b).reduce(0) { max($0, difference(Double($1.0), $1.1)) }
}

/// How far a value is from the one that it should be: infinite where only one of them is no number, or infinite.
func difference(_ value: Double, _ expected: Double) -> Double {
  let (a, b) = (inSinglePrecision(value), inSinglePrecision(expected))
  if a == b || a.isNaN && b.isNaN { return 0 }
  let difference = abs(a - b)
  return difference.isNaN ? .infinity : difference
}

/// The value, or the infinite one that a float in its place would be.
func inSinglePrecision(_ value: Double) -> Double {
  abs(value) > Double(Float.greatestFiniteMagnitude) ? Double(Float(value)) : value
}

/// The largest absolute value that single precision holds.
func largestMagnitude(_ values: [some BinaryFloatingPoint]) -> Double {
  values.reduce(0) { largest, value in
    let magnitude = abs(inSinglePrecision(Double(value)))
    return magnitude.isFinite ? max(largest, magnitude) : largest
  }
}

/// The place where an error is largest in proportion to what it may be.
struct Worst {
  private var error = 0.0
  private var tolerance = 0.0
  private var location: String?
  private var parts: [VerificationReport.Check.Part] = []

  mutating func consider(error: Double, tolerance: Double, location: String) {
    parts.append(.init(location: location, error: error, tolerance: tolerance))
    // Products in place of quotients: a tolerance of zero admits no error at all.
    guard self.location == nil || error * self.tolerance > self.error * tolerance || !error.isFinite else {
      return
    }
    (self.error, self.tolerance, self.location) = (error, tolerance, location)
  }

  func check(_ name: String, errorRatio: Double? = nil, detail: String) -> VerificationReport.Check {
    var check = VerificationReport.Check(
      name, error <= tolerance ? .passed : .failed, largestError: error, location: location,
      tolerance: tolerance, errorRatio: errorRatio, detail: detail)
    check.parts = parts
    return check
  }
}
