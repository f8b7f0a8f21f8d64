import ZooGraph

/// A step of which single values are recomputed.
///
/// It defines the frequent steps a second time, beside ``ReferenceRows``; see ``ReferenceStep/Kind``.
final class ProbedStep {
  /// From how many reads on, per element, a missing value is remembered.
  private static let costLimit = 32

  let step: ReferenceStep
  /// How many steps in a row, up to this one, have no values.
  let depth: Int
  private let index: Int
  private let inputs: Operands<ProbedStep>
  private let weights: Operands<ReferenceWeight>
  /// The last axes of the output.
  private let width: Int
  private let channels: Int
  private let memory: ProbeMemory
  /// The values that another engine has; empty where it has none.
  private let known: ArraySlice<Float>
  private let isKnown: Bool
  /// How many values an element reads, back to known or remembered ones.
  private let cost: Int

  /// - Parameters:
  ///   - index: Of the step, in its program.
  ///   - known: All values of the step where another engine has them. An input must have them.
  init(
    _ step: ReferenceStep, index: Int, inputs: [ProbedStep], weights: [ReferenceWeight],
    known: ArraySlice<Float>?, memory: ProbeMemory
  ) {
    self.step = step
    self.index = index
    self.inputs = Operands(inputs)
    self.weights = Operands(weights)
    let dimensions = step.shape.dimensions
    channels = dimensions.last ?? 1
    width = dimensions.dropLast().last ?? 1
    self.memory = memory
    self.known = known ?? []
    isKnown = known != nil
    let missing = inputs.filter { !$0.isKnown }
    depth = 1 + (missing.map(\.depth).max() ?? 0)
    let deepest = missing.filter { !$0.isRemembered }.map(\.cost).max() ?? 1
    let (cost, overflow) = deepest.multipliedReportingOverflow(by: step.readsPerElement)
    self.cost = overflow ? .max : cost
  }

  private var isRemembered: Bool { cost > ProbedStep.costLimit }

  /// The value `index` (row-major): the other engine's where it has it.
  func read(_ index: Int) -> ProbedValue {
    if isKnown { return ProbedValue(Double(known[known.startIndex + index])) }
    guard isRemembered else { return compute(index) }
    if let value = memory[self.index, index] { return value }
    let value = compute(index)
    memory[self.index, index] = value
    return value
  }

  /// The definition of every step: its output `index` (row-major), from its inputs.
  func compute(_ index: Int) -> ProbedValue {
    switch step.kind {
    case .input: read(index)
    case .copy: source(index)
    case .convolution(let window, let groups, let filters):
      convolution(index, window, groups: groups, filters: filters)
    case .depthwiseConvolution(let window, let multiplier):
      depthwiseConvolution(index, window, multiplier: multiplier)
    case .bias(let channels): source(index) + ProbedValue(kernel(index % channels))
    case .normalization(let b, let channels): normalization(index, b, channel: index % channels)
    case .activation(.softmax, let channels): softmax(index, channels: channels)
    case .activation(let activation, _): activated(index, activation)
    case .maximum(let window): maximum(index, window)
    case .mean(let window): mean(index, window)
    case .shift(let down, let right, let height, let width, let channels):
      shifted(index, down: down, right: right, height: height, width: width, channels: channels)
    case .formula(let formula):
      formula.value(at: index, input: { inputs[$0].read($1) }, weight: { weights[$0][$1] })
    case .concatenation: joined(index)
    }
  }

  /// Where the step is a function that bends or saturates: its argument at `index`, and how much its value
  /// changes at most per change of that.
  func argument(at index: Int) -> (value: Double, slope: Double)? {
    switch step.kind {
    case .activation(.linear, _), .activation(.relu(maxValue: nil, negativeSlope: _, threshold: _), _):
      return nil
    case .activation(.softmax, _): return (source(index).value, 0.5)
    case .activation(let activation, _):
      let x = source(index).value
      return (x, activation.steepestSlope(at: x))
    default: return nil
    }
  }

  // MARK: One value of each kind of step

  // Convolutions walk the window in loops of their own: in a closure of `forEachTap`, the sum of so many
  // products would not stay in registers.

  private func convolution(
    _ index: Int, _ window: ReferenceWindow, groups: Int, filters: Int
  ) -> ProbedValue {
    let (row, column, filter) = position(of: index)
    let channels = window.channels / groups
    let first = filter / (filters / groups) * channels
    var sum = ProbedValue(0)
    for ky in 0..<window.size.height {
      guard let y = window.inputRow(row, tap: ky) else { continue }
      for kx in 0..<window.size.width {
        guard let x = window.inputColumn(column, tap: kx) else { continue }
        let start = window.index(y, x, first)
        let tap = (ky * window.size.width + kx) * channels
        for c in 0..<channels {
          sum = sum + source(start + c) * kernel((tap + c) * filters + filter)
        }
      }
    }
    return sum
  }

  private func depthwiseConvolution(_ index: Int, _ window: ReferenceWindow, multiplier: Int) -> ProbedValue {
    // The kernel's last two axes, channel and multiplier, are together the output's channel.
    let (row, column, output) = position(of: index)
    let channel = output / multiplier
    var sum = ProbedValue(0)
    for ky in 0..<window.size.height {
      guard let y = window.inputRow(row, tap: ky) else { continue }
      for kx in 0..<window.size.width {
        guard let x = window.inputColumn(column, tap: kx) else { continue }
        let weight = kernel((ky * window.size.width + kx) * channels + output)
        sum = sum + source(window.index(y, x, channel)) * weight
      }
    }
    return sum
  }

  private func normalization(_ index: Int, _ b: BatchNormalization, channel c: Int) -> ProbedValue {
    let gamma = b.scale ? weights[0][c] : 1
    let beta = b.center ? weights[b.scale ? 1 : 0][c] : 0
    let mean = weights[weights.count - 2][c]
    let variance = weights[weights.count - 1][c]
    let factor = gamma / (variance + b.epsilon).squareRoot()
    return (source(index) + ProbedValue(-mean)) * factor + ProbedValue(beta)
  }

  private func softmax(_ index: Int, channels: Int) -> ProbedValue {
    let start = index - index % channels
    let vector = (start..<start + channels).map { source($0) }
    return ProbedValue.softmax(vector, at: index - start)
  }

  private func activated(_ index: Int, _ activation: Activation) -> ProbedValue {
    let x = source(index)
    return x.mapped(to: activation.scalar(x.value), slope: activation.steepestSlope(at: x.value))
  }

  private func maximum(_ index: Int, _ window: ReferenceWindow) -> ProbedValue {
    let (row, column, channel) = position(of: index)
    var largest: ProbedValue?
    window.forEachTap(row, column) { _, y, x in
      let value = source(window.index(y, x, channel))
      largest = largest.map { $0.larger(value) } ?? value
    }
    return largest ?? ProbedValue(0)
  }

  private func mean(_ index: Int, _ window: ReferenceWindow) -> ProbedValue {
    let (row, column, channel) = position(of: index)
    var sum = ProbedValue(0)
    var count = 0.0
    window.forEachTap(row, column) { _, y, x in
      sum = sum + source(window.index(y, x, channel))
      count += 1
    }
    return sum * (1 / count)
  }

  private func shifted(
    _ index: Int, down: Int, right: Int, height: Int, width: Int, channels: Int
  ) -> ProbedValue {
    let (row, column, channel) = position(of: index)
    let (y, x) = (row - down, column - right)
    guard y >= 0, y < height, x >= 0, x < width else { return ProbedValue(0) }
    return source((y * width + x) * channels + channel)
  }

  private func joined(_ index: Int) -> ProbedValue {
    var channel = index % channels
    for input in inputs.all {
      if channel < input.channels { return input.read(index / channels * input.channels + channel) }
      channel -= input.channels
    }
    return ProbedValue(0)
  }

  // MARK: What a value reads

  /// The value `index` of the first input.
  private func source(_ index: Int) -> ProbedValue { inputs.first?.read(index) ?? ProbedValue(0) }

  /// The element `index` of the first weight.
  private func kernel(_ index: Int) -> Double { weights.first?[index] ?? 0 }

  /// The pixel and channel of the value `index` of an image.
  private func position(of index: Int) -> (row: Int, column: Int, channel: Int) {
    let (pixel, channel) = index.quotientAndRemainder(dividingBy: channels)
    return (pixel / width, pixel % width, channel)
  }
}

/// The inputs or the weights of a step.
///
/// Almost every value reads the first alone. Fetched from the array or unwrapped by `guard let`, it would be
/// retained and released each time.
private struct Operands<Operand: AnyObject> {
  let first: Operand?
  let all: [Operand]

  init(_ all: [Operand]) {
    first = all.first
    self.all = all
  }

  var count: Int { all.count }

  subscript(index: Int) -> Operand { all[index] }
}

/// What has been recomputed of all steps; it forgets everything when it is full.
final class ProbeMemory {
  private static let limit = 1 << 20

  private struct Key: Hashable {
    let step: Int
    let index: Int
  }

  private var values: [Key: ProbedValue] = [:]

  subscript(step: Int, index: Int) -> ProbedValue? {
    get { values[Key(step: step, index: index)] }
    set {
      if values.count >= ProbeMemory.limit { values.removeAll(keepingCapacity: true) }
      values[Key(step: step, index: index)] = newValue
    }
  }
}

extension ReferenceStep {
  /// About how many values an element reads.
  var readsPerElement: Int {
    switch kind {
    case .convolution(let window, let groups, _):
      window.size.height * window.size.width * (window.channels / groups)
    case .depthwiseConvolution(let window, _), .maximum(let window), .mean(let window):
      window.size.height * window.size.width
    case .activation(.softmax, let channels): channels
    case .formula(let formula): formula.readsPerElement
    case .input, .bias, .normalization, .activation, .shift, .concatenation, .copy: 1
    }
  }
}
