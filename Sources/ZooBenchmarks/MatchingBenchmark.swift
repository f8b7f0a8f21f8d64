import ZooConversion
import ZooWeightFiles

/// Times what lies between a weight file and its network: reading the file's list of tensors, and finding the
/// architecture and the place of each tensor.
enum MatchingBenchmark {
  private static let rounds = 15

  static func run(files: [String]) throws {
    print("Milliseconds, the least and the median of \(rounds) rounds.\n")
    print("| file | tensors | reading, least | median | matching, least | median |")
    print("|---|---|---|---|---|---|")
    let clock = ContinuousClock()
    for path in files {
      var (reading, matching): ([Duration], [Duration]) = ([], [])
      var count = 0
      for _ in 0..<rounds {
        let start = clock.now
        let file = try WeightFiles.open(path: path)
        let opened = clock.now
        let recipe = try Recipe(file: file)
        matching.append(opened.duration(to: clock.now))
        reading.append(start.duration(to: opened))
        count = recipe.binding.assignments.count
      }
      let columns = [reading, matching].flatMap { times in
        let sorted = times.sorted()
        return [sorted[0], sorted[rounds / 2]].map { "\(Int(($0 / .milliseconds(1)).rounded()))" }
      }
      print("| \(path.split(separator: "/").last ?? "") | \(count) | \(columns.joined(separator: " | ")) |")
    }
  }
}
