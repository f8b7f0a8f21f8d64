import ZooLearning

/// `Fixtures/learning/optimization.json`: what Keras computes in double precision.
struct OptimizationGoldens: Decodable {
  struct Losses: Decodable {
    struct Case: Decodable {
      let loss: String
      let options: Options
      let targets: String
      let isWeighted: Bool
      let value: Double
      let gradient: [Double]
    }

    let columns: Int
    let predictions: [Double]
    let classes: [Int]
    let weights: [Double]
    let targets: [String: [Double]]
    let cases: [Case]
  }

  struct Optimization: Decodable {
    struct Case: Decodable {
      let rule: String
      let options: Options
      let first, tenth: [String: [Double]]
    }

    let names: [String]
    let shapes: [[Int]]
    let start: [Double]
    let rates: [Double]
    let gradients: [[Double]]
    let keras, pytorch: [Case]

    var layout: ParameterLayout {
      ParameterLayout(
        zip(names, shapes).map { name, shape in
          ParameterLayout.Variable(name, count: shape.reduce(1, *), isVector: shape.count == 1)
        })
    }
  }

  struct Schedules: Decodable {
    struct Case: Decodable {
      let schedule: String
      let options: Options
      let rates: [Double]
    }

    let steps: [Int]
    let cases: [Case]
  }

  struct Plateaus: Decodable {
    struct Case: Decodable {
      let options: Options
      let rates: [Double]
    }

    let losses: [Double]
    let cases: [Case]
  }

  struct Penalties: Decodable {
    struct Case: Decodable {
      let l1, l2, value: Double
      let gradient: [Double]
    }

    let weights: [Double]
    let cases: [Case]
  }

  struct Binary: Decodable {
    let scores, targets: [Double]
    let accuracy, precision, recall, specificity: Double
  }

  /// The arguments of all cases.
  struct Options: Decodable {
    let smoothing, alpha, gamma, delta: Double?
    let momentum, decay, epsilon, beta1, beta2, weightDecay, averaging: Double?
    let clipNorm, clipGlobalNorm, clipValue: Double?
    let nesterov, centered, amsgrad, decaysVectors: Bool?
    let initial, floor, start, factor, final, power: Double?
    let steps, warmUp: Int?
    let staircase: Bool?
    let boundaries: [Int]?
    let values: [Double]?
    let patience, cooldown: Int?
    let leastChange, leastRate: Double?
    let isHigherBetter: Bool?
  }

  let losses: Losses
  let optimization: Optimization
  let schedules: Schedules
  let plateaus: Plateaus
  let penalties: Penalties
  let binary: Binary

  static func read() throws -> OptimizationGoldens { try Goldens.read("optimization") }
}

/// A name that the goldens have and the tests don't know.
struct UnknownName: Error {
  let name: String
}

extension OptimizationGoldens.Losses.Case {
  func made() throws -> Loss {
    let smoothing = options.smoothing ?? 0
    switch loss {
    case "softmaxCrossEntropy": return .softmaxCrossEntropy(smoothing: smoothing)
    case "binaryCrossEntropy": return .binaryCrossEntropy(smoothing: smoothing)
    case "categoricalFocal":
      return .categoricalFocal(alpha: options.alpha ?? 0, gamma: options.gamma ?? 0, smoothing: smoothing)
    case "binaryFocal":
      return .binaryFocal(gamma: options.gamma ?? 0, alpha: options.alpha, smoothing: smoothing)
    case "meanSquaredError": return .meanSquaredError
    case "meanAbsoluteError": return .meanAbsoluteError
    case "huber": return .huber(delta: options.delta ?? 0)
    default: throw UnknownName(name: loss)
    }
  }
}

extension OptimizationGoldens.Optimization.Case {
  func made(_ convention: Optimizer.Convention) throws -> Optimizer {
    let rule: Optimizer.Rule
    switch self.rule {
    case "sgd": rule = .sgd(momentum: options.momentum ?? 0, nesterov: options.nesterov ?? false)
    case "rmsprop":
      rule = .rmsprop(
        decay: options.decay ?? 0, momentum: options.momentum ?? 0, epsilon: options.epsilon ?? 0,
        centered: options.centered ?? false)
    case "adam":
      rule = .adam(
        beta1: options.beta1 ?? 0, beta2: options.beta2 ?? 0, epsilon: options.epsilon ?? 0,
        amsgrad: options.amsgrad ?? false)
    default: throw UnknownName(name: self.rule)
    }
    return Optimizer(
      rule, weightDecay: options.weightDecay ?? 0, decaysVectors: options.decaysVectors ?? true,
      clipping: options.clipNorm.map { .norm($0) } ?? options.clipGlobalNorm.map { .globalNorm($0) }
        ?? options.clipValue.map { .value($0) }, averaging: options.averaging, convention: convention)
  }
}

extension OptimizationGoldens.Schedules.Case {
  func made() throws -> Schedule {
    let (initial, steps) = (options.initial ?? 0, options.steps ?? 0)
    let (factor, staircase) = (options.factor ?? 0, options.staircase ?? false)
    switch schedule {
    case "cosine":
      return .cosine(
        initial: initial, steps: steps, floor: options.floor ?? 0,
        warmUp: options.warmUp.map { Schedule.WarmUp(steps: $0, initial: options.start ?? 0) })
    case "exponential":
      return .exponential(initial: initial, steps: steps, factor: factor, staircase: staircase)
    case "inverseTime":
      return .inverseTime(initial: initial, steps: steps, factor: factor, staircase: staircase)
    case "polynomial":
      return .polynomial(initial: initial, final: options.final ?? 0, steps: steps, power: options.power ?? 0)
    case "piecewise":
      return .piecewise(boundaries: options.boundaries ?? [], rates: options.values ?? [])
    default: throw UnknownName(name: schedule)
    }
  }
}
