import CZooKernels

/// The memory and threads of a training session, as layers see them.
final class TrainingRun {
  let kernels: Kernels
  let pool: OpaquePointer?
  let threads: Int
  /// By buffer; those that belong to the caller change from batch to batch.
  var values: [UnsafeMutablePointer<Float>]
  /// Those that learn first.
  let weights: UnsafeMutablePointer<Float>
  /// Of the weights that learn, but for those that have factors.
  let gradients: UnsafeMutablePointer<Float>
  let factors: UnsafeMutablePointer<Float>
  /// Gradients of weights that do not learn themselves, but that a norm's scale is learned from.
  let spare: UnsafeMutablePointer<Float>
  let packed: UnsafeMutablePointer<Float>
  /// Where layers pack weights that they read once.
  let transient: UnsafeMutablePointer<Float>
  let scratch: UnsafeMutablePointer<Float>
  let zeros: UnsafePointer<Float>
  /// Sums of gradients over all pixels.
  let sums: UnsafeMutablePointer<Double>

  /// The examples that are computed at once.
  var count = 0
  /// The place of the first of them in the batch.
  var first = 0
  /// The examples of the batch.
  var total = 0
  /// Whether layers do what they do in training only.
  var isTraining = true
  var step = 0

  init(
    kernels: Kernels, pool: OpaquePointer?, threads: Int, values: [UnsafeMutablePointer<Float>],
    weights: UnsafeMutablePointer<Float>, gradients: UnsafeMutablePointer<Float>,
    factors: UnsafeMutablePointer<Float>, spare: UnsafeMutablePointer<Float>,
    packed: UnsafeMutablePointer<Float>, transient: UnsafeMutablePointer<Float>,
    scratch: UnsafeMutablePointer<Float>, zeros: UnsafePointer<Float>, sums: UnsafeMutablePointer<Double>
  ) {
    self.kernels = kernels
    self.pool = pool
    self.threads = threads
    self.values = values
    self.weights = weights
    self.gradients = gradients
    self.factors = factors
    self.spare = spare
    self.packed = packed
    self.transient = transient
    self.scratch = scratch
    self.zeros = zeros
    self.sums = sums
  }

  func call<Arguments>(_ kernel: zoo_kernel_id, _ arguments: Arguments, units: Int) {
    withUnsafePointer(to: arguments) {
      zoo_pool_run(pool, zoo_kernel_of(kernels.table, kernel), $0, Int32(units))
    }
  }

  /// Calls `body` with 0 ..< `units`, on all threads.
  func share(_ units: Int, _ body: (Int) -> Void) { ZooRuntime.share(units, on: pool, body) }

  /// Sets memory to zero.
  func clear(_ floats: UnsafeMutablePointer<Float>, _ count: Int) {
    let block = 1 << 18
    share((count + block - 1) / block) { unit in
      (floats + unit * block).update(repeating: 0, count: min(block, count - unit * block))
    }
  }

  /// The gradient of a weight that has one in memory.
  func gradient(_ place: WeightPlace) -> UnsafeMutablePointer<Float> { gradients + place.gradient }

  /// An example's values.
  func values(_ place: TrainingPlace, _ example: Int = 0) -> UnsafeMutablePointer<Float> {
    values[place.buffer] + example * place.floats
  }

  /// Which values of a gradient pass the rectifier that made `place`.
  func mask(_ target: GradientTarget, _ place: TrainingPlace, example: Int = 0) -> zoo_mask {
    guard let rectified = target.rectified else { return zoo_mask() }
    return zoo_mask(
      values: values[rectified] + example * place.floats, pixel: place.channels, hi: target.limit)
  }

  /// Writes or adds the part that `source` is, times `factor`, in the gradient of `place`.
  ///
  /// - Parameters:
  ///   - pixel: floats of the source from pixel to pixel; with 0, all pixels have the same.
  ///   - example: floats of the source from example to example.
  ///   - examples: those that the source has, from its start on; nil: all.
  func contribute(
    _ source: UnsafePointer<Float>, pixel: Int, example: Int, of examples: Range<Int>? = nil,
    factor: Float = 1,
    to target: GradientTarget, _ place: TrainingPlace
  ) {
    let channels = place.channels
    let examples = examples ?? 0..<count
    // Constants, so that the loops over channels become those of vectors.
    let (accumulates, limit) = (target.accumulates, target.limit)
    share(examples.count * place.height) { unit in
      let (image, row) = unit.quotientAndRemainder(dividingBy: place.height)
      let start = ((examples.lowerBound + image) * place.height + row) * place.width * channels
      for x in 0..<place.width {
        let from = source + image * example + (row * place.width + x) * pixel
        let to = self.values[target.buffer] + start + x * channels
        if let rectified = target.rectified {
          let output = self.values[rectified] + start + x * channels
          for c in 0..<channels {
            let value = accumulates ? to[c] + factor * from[c] : factor * from[c]
            // Which values pass has no order, so that a branch would be guessed wrong half of the time.
            let (above, below): (UInt32, UInt32) = (output[c] > 0 ? .max : 0, output[c] < limit ? .max : 0)
            to[c] = Float(bitPattern: value.bitPattern & above & below)
          }
        } else {
          for c in 0..<channels { to[c] = accumulates ? to[c] + factor * from[c] : factor * from[c] }
        }
      }
    }
  }

  /// Adds up `gradient`, and its products with `factors`, over all pixels.
  ///
  /// - Parameters:
  ///   - factors: nil: the gradient itself.
  ///   - center: of each channel, what is subtracted from the factors; nil: nothing.
  ///   - sums: (2, channels), of the gradient and of the products.
  ///   - afresh: whether nothing is there to add to.
  func addSums(
    of gradient: UnsafePointer<Float>, times factors: UnsafePointer<Float>? = nil,
    around center: UnsafePointer<Float>? = nil, pixels: Int, channels: Int,
    to sums: UnsafeMutablePointer<Double>, afresh: Bool = false
  ) {
    var arguments = zoo_batch_sums()
    (arguments.gradient, arguments.values) = (gradient, factors ?? gradient)
    arguments.center = center
    (arguments.gradient_pixel, arguments.values_pixel) = (channels, channels)
    (arguments.pixels, arguments.channels) = (Int32(pixels), Int32(channels))
    arguments.sums = sums
    arguments.accumulate = afresh ? 0 : 1
    call(.batch_gradient_sums, arguments, units: (channels + 15) / 16)
  }
}
