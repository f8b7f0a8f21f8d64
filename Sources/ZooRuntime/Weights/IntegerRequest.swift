import CZooKernels
import ZooGraph
import ZooTensor

/// What a step on codes of 8 bits needs besides its kernel's codes: for each of ``padded`` channels the start of a sum
/// (int32), a multiplier and an offset, then codes of zero for what lies outside of an image.
struct IntegerRequest: Hashable {
  enum Form: Hashable {
    /// Columns `first ..< first + columns` of a product's.
    case panels(taps: Int, run: Int, columns: Int, firstColumn: Int)
    /// One filter a channel.
    case depthwise(window: Extent2D, isPlain: Bool)
    /// No kernel.
    case scaling
    /// No weights at all: these multipliers and offsets.
    case numbers(multipliers: [Float], offsets: [Float])
  }

  let form: Form
  let integers: IntegerForm
  /// `nil` for numbers alone.
  let layer: IntegerLayer?
  var kernel: WeightSlot?
  var bias: WeightSlot?
  /// Of the layer's output.
  let channels: Int
  /// The codes of zero.
  let zeros: [UInt8]

  /// The channels that the step has, up to whole vectors.
  var padded: Int { IntegerRequest.padded(own) }
  static func padded(_ channels: Int) -> Int { (channels + 63) / 64 * 64 }

  private var own: Int {
    if case .panels(_, _, let columns, _) = form { columns } else { channels }
  }

  var weightFloats: Int {
    switch form {
    case .panels(let taps, let run, let columns, _):
      (Int(zoo_integer_packed(Int32(taps), Int32(run), Int32(columns))) + 3) / 4
    case .depthwise(let window, isPlain: true): (window.height * window.width * channels + 3) / 4
    case .depthwise(let window, isPlain: false): (window.height + 3) / 4 * window.width * padded
    case .scaling, .numbers: 0
    }
  }

  var otherFloats: Int { 3 * padded + (zeros.count + 3) / 4 + 16 }
}

extension WeightPacker {
  func pack(
    _ request: IntegerRequest, to target: UnsafeMutablePointer<Float>, bias: UnsafeMutablePointer<Float>
  ) throws -> Packed {
    let padded = request.padded
    let starts = UnsafeMutableRawPointer(bias).assumingMemoryBound(to: Int32.self)
    let (multipliers, offsets) = (bias + padded, bias + 2 * padded)
    UnsafeMutableRawPointer(bias + 3 * padded).copyMemory(from: request.zeros, byteCount: request.zeros.count)
    let shift = Int(kernels.table.pointee.integer_shift)
    let codes = UnsafeMutableRawPointer(target).assumingMemoryBound(to: Int8.self)
    func scale(_ weights: IntegerWeights, first: Int, count: Int) {
      for channel in 0..<count {
        multipliers[channel] = weights.multipliers[first + channel]
        offsets[channel] = weights.offsets[first + channel]
      }
    }
    if case .numbers(let factors, let shifts) = request.form {
      for channel in 0..<request.channels {
        multipliers[channel] = factors[factors.count == 1 ? 0 : channel]
        offsets[channel] = shifts[shifts.count == 1 ? 0 : channel]
      }
    } else if let layer = request.layer {
      let weights = try IntegerWeights(
        layer, kernel: request.kernel, bias: request.bias, channels: request.channels, form: request.integers,
        from: source)
      switch request.form {
      case .panels(let taps, let run, let columns, let first):
        pack(
          weights.kernel, taps: taps, run: run, columns: columns, first: first, of: request.channels,
          to: codes)
        let zeros = layer.sourceCode.zeros.map { shift - Int($0) }
        var sums = [Int](repeating: 0, count: columns)
        for row in 0..<taps * run {
          let start = row * request.channels + first
          let zero = zeros[row % zeros.count]
          for column in 0..<columns { sums[column] += zero * Int(weights.kernel[start + column]) }
        }
        for column in 0..<columns { starts[column] = Int32(sums[column]) }
        scale(weights, first: first, count: columns)
      case .depthwise(let window, let isPlain):
        for channel in 0..<request.channels {
          var sum = 0
          for tap in 0..<window.height * window.width {
            let (y, x) = tap.quotientAndRemainder(dividingBy: window.width)
            let code = weights.kernel[tap * request.channels + channel]
            let place =
              isPlain
              ? tap * request.channels + channel : ((y / 4 * window.width + x) * padded + channel) * 4 + y % 4
            codes[place] = code
            sum += Int(code)
          }
          starts[channel] = Int32((shift - Int(layer.sourceCode.zero(channel))) * sum)
        }
        scale(weights, first: 0, count: request.channels)
      case .scaling, .numbers: scale(weights, first: 0, count: request.channels)
      }
    }
    return Packed(weights: UnsafePointer(target), bias: UnsafePointer(bias))
  }

  private func pack(
    _ kernel: [Int8], taps: Int, run: Int, columns: Int, first: Int, of channels: Int,
    to target: UnsafeMutablePointer<Int8>
  ) {
    kernel.withUnsafeBufferPointer { kernel in
      var packing = zoo_integer_packing(
        source: kernel.baseAddress.map { $0 + first }, packed: target, stride: channels, taps: Int32(taps),
        run: Int32(run), columns: Int32(columns))
      let isSmall = taps * run * columns < 1 << 14
      zoo_pool_run(
        isSmall ? nil : pool, kernels.table.pointee.integer_pack, &packing, zoo_integer_panels(Int32(columns))
      )
    }
  }
}
