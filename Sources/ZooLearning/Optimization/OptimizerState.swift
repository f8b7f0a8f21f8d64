import ZooSystem

/// What an ``Optimizer`` remembers of each weight between steps.
package enum OptimizerSlot: String, Sendable, Hashable, Codable, CodingKeyRepresentable, CaseIterable {
  /// The running change, or of Adam the running mean of the gradient.
  case momentum
  /// The running mean of the squared gradient.
  case velocity
  /// The running mean of the gradient, of a centered RMSprop.
  case averageGradient
  /// The largest ``velocity`` so far, of AMSGrad.
  case largestVelocity
  /// The running mean of the weights.
  case average
}

extension Optimizer {
  /// What is remembered, in a fixed order.
  package var slots: [OptimizerSlot] {
    let own: [OptimizerSlot]
    switch rule {
    case .sgd(let momentum, _): own = momentum > 0 ? [.momentum] : []
    case .rmsprop(_, let momentum, _, let isCentered):
      own = [.velocity] + (momentum > 0 ? [.momentum] : []) + (isCentered ? [.averageGradient] : [])
    case .adam(_, _, _, let isAMSGrad): own = [.momentum, .velocity] + (isAMSGrad ? [.largestVelocity] : [])
    }
    return own + (averaging == nil ? [] : [.average])
  }
}

/// An ``Optimizer`` at work: the number of its steps and what it remembers.
package struct OptimizerState<Scalar: TrainingScalar>: Sendable, Equatable {
  package let optimizer: Optimizer
  package let layout: ParameterLayout
  /// How many steps there have been.
  package private(set) var steps = 0
  /// One buffer of the layout for each of the optimizer's slots.
  private var values: [Scalar]

  /// The state before the first step.
  ///
  /// - Throws: ``ZooError`` of the code `invalidArgument` if the optimizer makes no sense.
  package init(_ optimizer: Optimizer, _ layout: ParameterLayout) throws(ZooError) {
    try optimizer.check()
    self.optimizer = optimizer
    self.layout = layout
    values = [Scalar](repeating: 0, count: layout.count * optimizer.slots.count)
  }

  /// What a slot remembers (parameters of the layout); nil if the optimizer has no such slot.
  package subscript(slot: OptimizerSlot) -> ArraySlice<Scalar>? {
    optimizer.slots.firstIndex(of: slot).map { values[$0 * layout.count..<($0 + 1) * layout.count] }
  }

  /// Changes weights by their gradient, both (parameters of the layout).
  ///
  /// The bits don't depend on the number of threads.
  ///
  /// - Parameters:
  ///   - rate: η of the step, as a ``Schedule`` gives it.
  ///   - momentum: in place of the rule's μ or β₁, as a one-cycle schedule asks for.
  package mutating func step(
    _ weights: UnsafeMutableBufferPointer<Scalar>, gradient: UnsafeBufferPointer<Scalar>, rate: Double,
    momentum: Double? = nil, on workers: Workers? = nil
  ) {
    precondition(gradient.count == layout.count, "the gradient does not fit the layout")
    step(weights, rate: rate, momentum: momentum, on: workers, gradient: source(of: gradient))
  }

  /// The same with a gradient that is made block by block, just before the weights of a block change.
  ///
  /// - Parameter gradient: may be asked for a block more than once, before its weights have changed.
  package mutating func step(
    _ weights: UnsafeMutableBufferPointer<Scalar>, rate: Double, momentum: Double? = nil,
    on workers: Workers? = nil, gradient: GradientSource<Scalar>
  ) {
    precondition(weights.count == self.layout.count, "the weights don't fit the layout")
    steps += 1
    let (optimizer, layout, steps) = (self.optimizer, self.layout, self.steps)
    let factors = optimizer.clipping.flatMap { clipping -> [Double]? in
      if case .value = clipping { return nil }
      return GradientNorms(layout, on: workers, gradient: gradient).factors(clipping, optimizer.convention)
    }
    let terms = layout.variables.enumerated().map { index, variable in
      StepTerms<Scalar>(
        optimizer, step: steps, rate: rate * variable.rate, momentum: momentum,
        isDecayed: optimizer.decaysVectors || !variable.isVector, clippingFactor: factors?[index])
    }
    let (slots, count) = (optimizer.slots, layout.count)
    guard let weights = weights.baseAddress else { return }
    values.withUnsafeMutableBufferPointer { values in
      let values = values.baseAddress
      func memory(_ slot: OptimizerSlot) -> UnsafeMutablePointer<Scalar>? {
        slots.firstIndex(of: slot).flatMap { index in values.map { $0 + index * count } }
      }
      let all = StepMemory(
        weights: weights, momentum: memory(.momentum), velocity: memory(.velocity),
        averageGradient: memory(.averageGradient), largestVelocity: memory(.largestVelocity),
        average: memory(.average))
      layout.forEachBlock(of: gradient, on: workers) { _, block, gradient in
        all.step(block.range, gradient: gradient, terms[block.variable])
      }
    }
  }

  /// The same for arrays.
  package mutating func step(
    _ weights: inout [Scalar], gradient: [Scalar], rate: Double, momentum: Double? = nil,
    on workers: Workers? = nil
  ) {
    weights.withUnsafeMutableBufferPointer { weights in
      gradient.withUnsafeBufferPointer { gradient in
        step(weights, gradient: gradient, rate: rate, momentum: momentum, on: workers)
      }
    }
  }
}

// MARK: Checkpoints

/// What a checkpoint keeps of an ``OptimizerState``.
package struct OptimizerSnapshot<Scalar: TrainingScalar>: Sendable, Hashable, Codable {
  /// How many steps there have been.
  package var steps: Int
  /// What each slot remembers (parameters of the layout).
  package var slots: [OptimizerSlot: [Scalar]]

  package init(steps: Int, slots: [OptimizerSlot: [Scalar]]) {
    self.steps = steps
    self.slots = slots
  }
}

extension OptimizerState {
  /// What a checkpoint keeps.
  package var snapshot: OptimizerSnapshot<Scalar> {
    OptimizerSnapshot(
      steps: steps,
      slots: Dictionary(uniqueKeysWithValues: optimizer.slots.map { ($0, self[$0].map(Array.init) ?? []) }))
  }

  /// The state that a checkpoint kept.
  ///
  /// - Throws: ``ZooError`` of the code `doesNotFit` if it is of another optimizer or layout.
  package init(
    _ optimizer: Optimizer, _ layout: ParameterLayout, _ snapshot: OptimizerSnapshot<Scalar>
  ) throws(ZooError) {
    try self.init(optimizer, layout)
    func refuse(_ why: String) -> ZooError {
      ZooError(.doesNotFit, what: "cannot resume", at: "the optimizer's state", why)
    }
    guard snapshot.steps >= 0 else { throw refuse("it is of \(snapshot.steps) steps") }
    guard Set(snapshot.slots.keys) == Set(optimizer.slots) else {
      throw refuse("it has other values than this optimizer keeps")
    }
    values = []
    for slot in optimizer.slots {
      let own = snapshot.slots[slot] ?? []
      guard own.count == layout.count else {
        throw refuse("it is of \(own.count) weights, not of \(layout.count)")
      }
      values += own
    }
    steps = snapshot.steps
  }
}
