import CZooKernels
import ZooConversion
import ZooGraph
import ZooRuntime
import ZooTensor

/// Times each kernel on one thread, for each instruction set that the machine has, on a layer of a usual size.
///
/// The table is Markdown; every figure is the median of some runs, in microseconds.
struct KernelBenchmark {
  var runs = 31

  func run() throws {
    let sets = Engine.availableKernels
    print("| kernel | \(sets.joined(separator: " | ")) |")
    print("|---|" + String(repeating: "---:|", count: sets.count))
    for index in 0..<zoo_kernel_count {
      guard let kernel = zoo_kernel_id(rawValue: Int32(index)) else { continue }
      let times = try sets.map { try time(kernel, on: $0) }
      let cells = times.map { $0.map { "\(Int($0.rounded()))" } ?? "–" }
      print("| \(String(cString: zoo_kernel_name(kernel))) | \(cells.joined(separator: " | ")) |")
    }
  }

  /// Microseconds; `nil` where the plan takes another kernel on this instruction set.
  private func time(_ kernel: zoo_kernel_id, on kernels: String) throws -> Double? {
    switch kernel.workload {
    case .layer(let operation, let shape, let count):
      var builder = GraphBuilder()
      let inputs = (0..<count).map { builder.add("x\($0)", .input(shape: shape)) }
      let output = builder.add("y", operation, inputs)
      let graph = try builder.build(outputs: [output])
      let engine = try Engine(
        graph: graph, weights: RandomWeights(seed: 1), options: PlanOptions(kernels: kernels))
      let random = CounterRandom(seed: 2)
      let values = (0..<shape.reduce(1, *)).map { Float(random.signed($0)) }
      let tensor = Tensor(shape: Shape([1] + shape), values: values)
      let steps = try engine.makeSession().timeSteps(inputs.map { _ in tensor }, runs: runs)
      let own = steps.filter { $0.step.kernelID == kernel }
      return own.isEmpty ? nil : own.reduce(0) { $0 + $1.milliseconds * 1e3 }
    case .packing(let taps, let rows, let columns, let outputs):
      return time(kernel, on: kernels, taps: taps, rows: rows, columns: columns, outputs: outputs)
    case .table:
      return timeTable(kernel, on: kernels)
    case .gradient:
      return zoo_kernels_named(kernels).flatMap { GradientWorkload($0).time(kernel, by: median) }
    case .codes:
      return zoo_kernels_named(kernels).flatMap { IntegerWorkload($0).time(kernel, by: median) }
    case .peak:
      guard let table = zoo_kernels_named(kernels) else { return nil }
      var sums = [Float](repeating: 0, count: 8 * Int(table.pointee.vector))
      return sums.withUnsafeMutableBufferPointer { sums in
        var arguments = zoo_peak(output: sums.baseAddress, factor: 0.5, term: 0.5, turns: 20_000)
        return median { zoo_pool_run(nil, zoo_kernel_of(table, kernel), &arguments, 8) }
      }
    }
  }

  private func time(
    _ kernel: zoo_kernel_id, on kernels: String, taps: Int, rows: Int, columns: Int, outputs: Int
  ) -> Double? {
    guard let table = zoo_kernels_named(kernels) else { return nil }
    let points = outputs == 0 ? taps : (outputs + 2) * (outputs + 2)
    let source = [Float](repeating: 1, count: taps * rows * columns)
    var packed = [Float](
      repeating: 0, count: points * rows * Int(table.pointee.packed_columns(Int32(columns))))
    return source.withUnsafeBufferPointer { source in
      packed.withUnsafeMutableBufferPointer { packed in
        var arguments = zoo_packing(
          source: source.baseAddress, scale: nil, packed: packed.baseAddress, stride: columns,
          rows: Int32(outputs == 0 ? taps * rows : rows), columns: Int32(columns), outputs: Int32(outputs))
        let panels = table.pointee.panels(Int32(columns))
        return median { zoo_pool_run(nil, zoo_kernel_of(table, kernel), &arguments, panels) }
      }
    }
  }

  /// A table of 2000 rows of 1024 values and 14 outputs.
  private func timeTable(_ kernel: zoo_kernel_id, on kernels: String) -> Double? {
    guard let table = zoo_kernels_named(kernels) else { return nil }
    let (rows, columns, outputs, block) = (2000, 1024, 14, 32)
    let isProduct = kernel == .table_product
    let values = [Float](repeating: 1, count: rows * columns)
    let factors = [Double](repeating: 1, count: outputs * (isProduct ? columns : rows))
    var sums = [Double](repeating: 0, count: outputs * (isProduct ? rows : columns))
    return values.withUnsafeBufferPointer { values in
      factors.withUnsafeBufferPointer { factors in
        sums.withUnsafeMutableBufferPointer { sums in
          var arguments = zoo_table()
          arguments.table = values.baseAddress
          arguments.factors = factors.baseAddress
          arguments.sums = sums.baseAddress
          arguments.table_row = columns
          arguments.factors_row = isProduct ? columns : outputs
          arguments.sums_row = isProduct ? outputs : columns
          (arguments.rows, arguments.columns) = (Int32(rows), Int32(columns))
          (arguments.outputs, arguments.block) = (Int32(outputs), Int32(block))
          let units = ((isProduct ? rows : columns) + block - 1) / block
          return median { zoo_pool_run(nil, zoo_kernel_of(table, kernel), &arguments, Int32(units)) }
        }
      }
    }
  }

  private func median(_ body: () -> Void) -> Double {
    let clock = ContinuousClock()
    let times = (0..<runs).map { _ in clock.measure(body) }.sorted()
    return times[runs / 2] / .microseconds(1)
  }
}

/// What a kernel is timed on.
private enum Workload {
  /// A layer with so many inputs of this shape.
  case layer(ZooGraph.Operation, [Int], inputs: Int = 1)
  /// Weights of a window; `outputs` of a side of a Winograd tile, or 0.
  case packing(taps: Int, rows: Int, columns: Int, outputs: Int)
  /// A table of features and coefficients.
  case table
  /// A part of training.
  case gradient
  /// Layers in codes of 8 bits.
  case codes
  case peak
}

extension zoo_kernel_id {
  /// Every kernel has one: the switch has no default.
  fileprivate var workload: Workload {
    let image = [56, 56, 128]
    switch self {
    case .convolution: return .layer(.convolution(convolution(kernel: .one)), image)
    case .winograd: return .layer(.convolution(convolution(kernel: Extent2D(3))), image)
    case .dense: return .layer(.dense(Dense(units: 1000, useBias: true)), [2048])
    case .depthwise:
      return .layer(
        .depthwiseConvolution(
          DepthwiseConvolution(
            multiplier: 1, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true)), image)
    case .separable:
      return .layer(
        .separableConvolution(
          SeparableConvolution(
            filters: 128, multiplier: 1, kernel: Extent2D(3), strides: .one, padding: .same, useBias: true)),
        image)
    case .pooling:
      return .layer(
        .maxPooling(Pooling(window: Extent2D(3), strides: Extent2D(2), padding: .same)), image)
    case .global_pooling: return .layer(.globalAveragePooling(keepDimensions: false), image)
    case .resize: return .layer(.resize(Resize(size: Extent2D(112), interpolation: .bilinear)), image)
    case .resample: return .layer(.resize(Resize(size: Extent2D(112), interpolation: .bicubic)), image)
    case .scatter:
      return .layer(
        .transposedConvolution(
          TransposedConvolution(
            filters: 64, kernel: Extent2D(2), strides: Extent2D(2), offset: Extent2D(0), size: Extent2D(112),
            useBias: true)), image)
    case .clamp: return .layer(.activation(.relu), image)
    case .affine: return .layer(.batchNormalization(BatchNormalization(epsilon: 1e-3)), image)
    case .add: return .layer(.merge(.add), image, inputs: 2)
    case .subtract: return .layer(.merge(.subtract), image, inputs: 2)
    case .multiply: return .layer(.merge(.multiply), image, inputs: 2)
    case .average: return .layer(.merge(.average), image, inputs: 2)
    case .maximum: return .layer(.merge(.maximum), image, inputs: 2)
    case .minimum: return .layer(.merge(.minimum), image, inputs: 2)
    case .rectify: return .layer(.prelu(sharedAxes: [0, 1]), image)
    case .activation: return .layer(.activation(.gelu(approximate: false)), image)
    case .layer_norm: return .layer(.layerNormalization(LayerNormalization(epsilon: 1e-6)), image)
    case .table_product, .table_adjoint: return .table
    case .weight_gradient, .winograd_gradient, .dense_gradient, .dense_weight_gradient, .pack_transposed,
      .winograd_pack_transposed, .depthwise_gradient, .depthwise_weight_gradient, .activation_gradient,
      .batch_sums,
      .batch_gradient_sums, .batch_norm, .batch_norm_gradient, .max_pooling_places, .pooling_gradient,
      .softmax_gradient:
      return .gradient
    case .integer_product, .integer_winograd, .integer_depthwise, .integer_pooling, .integer_mean,
      .integer_add, .quantize, .dequantize, .integer_pad, .integer_pack:
      return .codes
    case .pack: return .packing(taps: 1, rows: 512, columns: 512, outputs: 0)
    case .winograd_pack: return .packing(taps: 9, rows: 128, columns: 128, outputs: 4)
    case .peak: return .peak
    case .softmax: return .layer(.activation(.softmax), image)
    case .pad: return .layer(.zeroPadding(Edges(top: 1, bottom: 1, left: 1, right: 1)), image)
    case .copy_strided: return .layer(.permute(order: [1, 0, 2]), image)
    }
  }

  private func convolution(kernel: Extent2D) -> Convolution {
    Convolution(filters: 128, kernel: kernel, strides: .one, padding: .same, useBias: true)
  }
}
