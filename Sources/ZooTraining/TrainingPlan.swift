import ZooData
import ZooSystem

/// Which pictures are trained on, and which measure how well.
struct TrainingPlan {
  /// How the result is measured.
  enum Scheme: Sendable, Hashable {
    /// By pictures that the data set apart for it.
    case given
    /// By a share of the pictures, which is held back, and trained on afterwards.
    case holdout
    /// By as many models, each for the pictures that it has not seen.
    case folds(Int)

    /// In words.
    var text: String {
      switch self {
      case .given: "the validation pictures of the data"
      case .holdout: "pictures held back, on which the model in the file is trained too"
      case .folds(let count): "\(count)-fold cross-validation"
      }
    }
  }

  /// With fewer pictures in the smallest class, a held-back share would say too little.
  private static let leastForHoldout = 20
  private static let share = 0.2

  let scheme: Scheme
  /// What the first model learns; indices of pictures, ascending, as those below.
  let training: [Int]
  let validation: [Int]
  let test: [Int]
  /// For each of ``training``, its part in cross-validation.
  let folds: [Int]
  /// What the model in the file learns.
  var final: [Int] { scheme == .holdout ? (training + validation).sorted() : training }

  /// - Parameters:
  ///   - examples: the pictures that can be read.
  ///   - groups: which of them are copies of each other.
  ///   - keys: a hash of each one's content.
  ///   - validation: the share to hold back; nil: as suits the number of pictures.
  init(
    tasks: [ImageDataset.Task], examples: [ImageDataset.Example], groups: [Int], keys: [UInt64],
    validation share: Double?, folds count: Int, seed: UInt64
  ) {
    let strata = Self.strata(tasks: tasks, examples: examples)
    func select<T>(_ values: [T], _ indices: [Int]) -> [T] { indices.map { values[$0] } }
    test = examples.indices.filter { examples[$0].part == .test }
    let given = examples.indices.filter { examples[$0].part == .validation }
    let rest = examples.indices.filter { [nil, .training].contains(examples[$0].part) }
    if !given.isEmpty {
      (scheme, training, validation) = (.given, rest, given)
    } else if share == nil, Self.smallest(tasks, select(examples, rest)) < Self.leastForHoldout {
      (scheme, training, validation) = (.folds(count), rest, [])
    } else {
      let split = DataSplit.holdout(
        strata: select(strata, rest), groups: select(groups, rest), keys: select(keys, rest),
        share: share ?? Self.share, seed: seed)
      (scheme, training, validation) = (.holdout, select(rest, split.kept), select(rest, split.held))
    }
    folds = DataSplit.folds(
      strata: select(strata, training), groups: select(groups, training), keys: select(keys, training),
      count: count, seed: seed)
  }

  /// The pictures of the smallest class; of a task of numbers a fifth of all.
  private static func smallest(_ tasks: [ImageDataset.Task], _ examples: [ImageDataset.Example]) -> Int {
    var smallest = Int.max
    for (place, task) in tasks.enumerated() {
      var counts = [Int](repeating: 0, count: max(1, task.classNames.count))
      for example in examples {
        switch example.targets[place] {
        case .classIndex(let index): counts[index] += 1
        case .labels(let indices): for index in indices { counts[index] += 1 }
        case .number: counts[0] += 1
        case .missing: break
        }
      }
      smallest = min(smallest, task.kind == .number ? counts[0] / 5 : counts.min() ?? 0)
    }
    return smallest
  }

  /// What is to be spread evenly: the class of the first task, its rarest label, or the fifth that its number is in.
  private static func strata(tasks: [ImageDataset.Task], examples: [ImageDataset.Example]) -> [Int] {
    guard let task = tasks.first else { return examples.map { _ in 0 } }
    let missing = task.classNames.count + 5
    var counts = [Int](repeating: 0, count: task.classNames.count)
    var numbers: [Double] = []
    for example in examples {
      switch example.targets[0] {
      case .labels(let indices): for index in indices { counts[index] += 1 }
      case .number(let number): numbers.append(number)
      case .classIndex, .missing: break
      }
    }
    numbers.sort()
    return examples.map { example in
      switch example.targets[0] {
      case .classIndex(let index): index
      case .labels(let indices): indices.min { (counts[$0], $0) < (counts[$1], $1) } ?? missing
      case .number(let number): (numbers.firstIndex { $0 >= number } ?? 0) * 5 / max(1, numbers.count)
      case .missing: missing
      }
    }
  }
}
