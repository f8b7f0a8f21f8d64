import CZooKernels

/// The gradients of the weights that learn, in the order of a session's slots.
///
/// Those of large dense layers are nowhere as a whole: they are made from their factors where they are asked for,
/// with the same bits whatever part that is.
package struct TrainingGradient: @unchecked Sendable {
  private let run: TrainingRun
  /// Those of the weights that learn, which follow one another.
  private let places: [WeightPlace]
  /// How many numbers learn.
  package let count: Int

  init(_ plan: TrainingPlan, _ run: TrainingRun) {
    self.run = run
    places = plan.slots.prefix(plan.learningCount).compactMap { plan.weights[$0] }
    count = plan.parameterCount
  }

  /// The gradients of some numbers of one slot, which any thread may ask for.
  ///
  /// - Parameters:
  ///   - range: in the order of the slots.
  ///   - scratch: has room for them.
  /// - Returns: where they are: in memory, or in `scratch`.
  package func values(
    _ range: Range<Int>, scratch: UnsafeMutablePointer<Float>
  ) -> UnsafePointer<Float> {
    let place = places[index(of: range.lowerBound)]
    let own = range.lowerBound - place.offset..<range.upperBound - place.offset
    precondition(own.upperBound <= place.count, "the gradients are of several weights")
    guard place.factors != nil else { return UnsafePointer(run.gradient(place) + own.lowerBound) }
    write(place, own, to: scratch)
    return UnsafePointer(scratch)
  }

  /// All of them.
  package func floats() -> [Float] {
    places.flatMap { floats($0) }
  }

  func floats(_ place: WeightPlace) -> [Float] {
    guard place.factors != nil else {
      return Array(UnsafeBufferPointer(start: run.gradient(place), count: place.count))
    }
    return Array(unsafeUninitializedCapacity: place.count) { target, count in
      if let base = target.baseAddress { write(place, 0..<place.count, to: base) }
      count = place.count
    }
  }

  /// The last place that begins at `number` or before, and is not empty.
  private func index(of number: Int) -> Int {
    var (low, high) = (0, places.count)
    while high - low > 1 {
      let middle = (low + high) / 2
      if places[middle].offset <= number { low = middle } else { high = middle }
    }
    return low
  }

  private func write(_ place: WeightPlace, _ range: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    guard let factors = place.factors, !range.isEmpty else { return }
    var arguments = zoo_dense_weight_gradient()
    arguments.input = UnsafePointer(run.factors + factors.inputs)
    arguments.gradient = UnsafePointer(run.factors + factors.gradients)
    arguments.output = target
    (arguments.input_row, arguments.gradient_row) = (factors.rows, factors.columns)
    (arguments.rows, arguments.columns) = (Int32(run.total), Int32(factors.columns))
    (arguments.first, arguments.end) = (Int64(range.lowerBound), Int64(range.upperBound))
    arguments.block = Int64(range.count)
    zoo_kernel_of(run.kernels.table, .dense_weight_gradient)(&arguments, 0, 1)
  }
}
