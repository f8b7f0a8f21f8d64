import Foundation
import ZooConversion
import ZooFormat
import ZooGraph
import ZooImages
import ZooModels
import ZooSystem
import ZooTensor
import ZooVerification
import ZooWeightFiles

/// Times networks at full size, in turn with the engines that users would pick instead, as far as `PYTHON`
/// has them: running, and one prediction in a fresh process.
///
/// The tables are Markdown. Every figure is a median of rounds; in a round each engine runs once, in a process
/// of its own.
struct NetworkBenchmark {
  /// A folder with a Keras file of each network and what `Scripts/engines.py prepare` makes of it; `nil`:
  /// the published networks with random weights, which take as long as trained ones, without other engines.
  var models: String?
  /// `nil`: all that there are.
  var names: [String] = []
  var rounds = 3
  var seconds = 1.0

  private static let published: [(name: String, definition: any NetworkDefinition)] = [
    ("vgg16", VGG.vgg16), ("vgg19", VGG.vgg19), ("resnet50", ResNet.resNet50), ("mobilenet", MobileNet()),
    ("nasnetmobile", NASNet.mobile),
  ]
  /// Has all that a network has but size.
  private static let smallest: (name: String, definition: any NetworkDefinition) = (
    "smallest", MobileNet(alpha: 1.0 / 32)
  )
  private static let others = [
    "mobilenetv2", "mobilenetv3large", "efficientnetb0", "efficientnetv2b0", "densenet121", "inceptionv3",
    "xception",
    "convnexttiny",
  ]
  private static let engines = [
    (module: "onnxruntime", title: "ONNX Runtime"), (module: "openvino", title: "OpenVINO"),
    (module: "ai_edge_litert", title: "LiteRT"),
  ]

  func run() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "zoo-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    var networks: [(name: String, file: String)] = []
    for name in Self.published.map(\.name) + Self.others where names.isEmpty || names.contains(name) {
      if let file = try modelFile(name, in: folder) { networks.append((name, file)) }
    }
    let peers = installedPeers()
    print("\(machine()), \(rounds) rounds in turn, \(seconds) s each.")
    try printSpeed(networks, peers)
    try printColdStart(networks, peers, in: folder)
    try printMemory(networks, in: folder)
  }

  // MARK: Tables

  private func printSpeed(_ networks: [(name: String, file: String)], _ peers: [Peer]) throws {
    print(
      "\nMilliseconds an image; the ratio is that of the best other engine to ours, of the rounds' medians.\n"
    )
    header(["network", "batch", "threads", "ours"] + peers.map(\.title) + ["ratio"])
    for (name, file) in networks {
      for (batch, threads) in [(1, 1), (1, 2), (16, 2)] {
        let options = ["--batch", "\(batch)", "--threads", "\(threads)", "--seconds", "\(seconds)"]
        var ours: [Double] = []
        var theirs = [[Double]](repeating: [], count: peers.count)
        for _ in 0..<rounds {
          let run = try measure([zoo, "bench", file, "--json"] + options)
          ours.append(run.medianMilliseconds / Double(batch))
          for (index, peer) in peers.enumerated() {
            if let run = try? measure(peer.command("bench", name) + options) {
              theirs[index].append(run.medianMilliseconds / Double(batch))
            }
          }
        }
        let medians = theirs.map(median)
        row(
          [name, "\(batch)", "\(threads)", rounded(median(ours), 2)] + medians.map { rounded($0, 2) }
            + [ratio(medians.compactMap(\.self).min(), median(ours))])
      }
    }
  }

  private func printColdStart(
    _ networks: [(name: String, file: String)], _ peers: [Peer], in folder: URL
  ) throws {
    print(
      "\nOne prediction in a fresh process, 2 threads: milliseconds and peak MiB; our share of the least.\n")
    header(
      ["network", "ours ms"] + peers.map { "\($0.title) ms" } + ["share", "ours MiB"]
        + peers.map { "\($0.title) MiB" } + ["share"])
    for (name, file) in networks {
      let input = folder.appendingPathComponent("\(name).npz").path
      let graph = try ZooFile(path: file).document.graph
      let images = try TestInput.make(for: graph, preprocessing: .tf, seed: 1)
      try NumPyFile.write(to: input, overwrite: true) { writer throws(ZooError) in
        for (index, image) in images.enumerated() { try writer.add(index == 0 ? "x" : "x\(index)", image) }
      }
      var commands = [[zoo, "run", file, "--input", input, "--threads", "2", "--quiet"]]
      for peer in peers { commands.append(peer.command("run", name) + ["--threads", "2"]) }
      var runs = commands.map { _ in [ChildRun]() }
      for _ in 0..<max(rounds, 5) {
        for (index, command) in commands.enumerated() {
          let run = ChildRun(command)
          if run.succeeded { runs[index].append(run) } else if index == 0 { throw Failure(command: command) }
        }
      }
      let times = runs.map { median($0.map(\.milliseconds)) }
      let peaks = runs.map { median($0.map { Double($0.peakBytes) / 0x1p20 }) }
      row(
        [name] + times.map { rounded($0, 0) } + [ratio(times[0], times.dropFirst().compactMap(\.self).min())]
          + peaks.map { rounded($0, 0) }
          + [ratio(peaks[0], peaks.dropFirst().compactMap(\.self).min())])
    }
  }

  private func printMemory(_ networks: [(name: String, file: String)], in folder: URL) throws {
    print(
      """

      Opening a file, making it ready to run, and memory while running (batch 1, 2 threads; MiB): what the process
      takes for a network of 35 KB, and the most. The last column is (peak - process - activations) / weights.

      """)
    let smallest = folder.appendingPathComponent("smallest.zoo").path
    try makeFile(of: Self.smallest.name, at: smallest)
    let base = try median((0..<rounds).map { _ in try measureMemory(smallest).peakMebibytes })
    header(["network", "open ms", "ready ms", "weights", "activations", "process", "peak", "of weights"])
    for (name, file) in networks {
      let runs = try (0..<rounds).map { _ in try measureMemory(file) }
      let weights = try Double(MappedFile(path: file).bytes.count) / 0x1p20
      let peak = median(runs.map(\.peakMebibytes))
      let activations = median(runs.compactMap(\.activationMebibytes))
      row([
        name, rounded(median(runs.compactMap(\.openMilliseconds)), 2),
        rounded(median(runs.compactMap(\.loadMilliseconds)), 1), rounded(weights, 1),
        rounded(activations, 1), rounded(base, 0), rounded(peak, 0),
        ratio((peak ?? 0) - (activations ?? 0) - (base ?? 0), weights),
      ])
    }
  }

  private func measureMemory(_ file: String) throws -> Measurement {
    try measure([zoo, "bench", file, "--json", "--threads", "2", "--seconds", "0.1"])
  }

  private func header(_ columns: [String]) {
    row(columns)
    print("|" + String(repeating: "---|", count: columns.count))
  }

  private func row(_ cells: [String]) {
    print("| " + cells.joined(separator: " | ") + " |")
    fflush(nil)
  }

  // MARK: Networks and engines

  /// The network's `.zoo` file; made in `folder` where there is none. Says so where nothing can be made.
  private func modelFile(_ name: String, in folder: URL) throws -> String? {
    let target = folder.appendingPathComponent("\(name).zoo").path
    guard let models else {
      guard Self.published.contains(where: { $0.name == name }) else { return nil }
      try makeFile(of: name, at: target)
      return target
    }
    for ending in ["zoo", "keras", "h5"] {
      let file = URL(fileURLWithPath: models).appendingPathComponent("\(name).\(ending)").path
      guard FileManager.default.fileExists(atPath: file) else { continue }
      if ending == "zoo" { return file }
      let command = [zoo, "convert", file, "-o", target, "--no-verify", "--quiet"]
      guard ChildRun(command).succeeded else { throw Failure(command: command) }
      return target
    }
    print("There is no \(name) in \(models): left out.")
    return nil
  }

  private func makeFile(of name: String, at path: String) throws {
    // In a child: what a parent has in memory counts as its children's peak.
    let command = [besideThis("zoo-benchmarks"), "network-file", name, path]
    guard ChildRun(command).succeeded else { throw Failure(command: command) }
  }

  /// Writes a published network, or the smallest, with random weights.
  static func writeFile(of name: String, to path: String) throws {
    let isSmallest = name == smallest.name
    guard
      let definition = isSmallest
        ? smallest.definition : published.first(where: { $0.name == name })?.definition
    else { return }
    let side = isSmallest ? 32 : 224
    let head = isSmallest ? Head.classifier(classes: 10, activation: .softmax) : .imageNet
    let graph = try definition.graph(input: InputShape(side, side), head: head)
    let card = ModelCard(architecture: name, variant: "random weights", preprocessing: .tf)
    try ZooWriter(document: ZooDocument(graph: graph, card: card), storage: .f32)
      .write(to: path, overwrite: false, weights: RandomWeights(seed: 1))
  }

  /// Another engine.
  private struct Peer {
    let module: String
    let title: String
    let python: String
    let models: String

    func command(_ word: String, _ name: String) -> [String] {
      [python, NetworkBenchmark.script, word, models, name, module]
    }
  }

  /// Runs the other engines; beside Package.swift, from where `make bench` calls.
  private static let script = "Scripts/engines.py"

  /// Those that are installed; says which are not.
  private func installedPeers() -> [Peer] {
    let python = environment("PYTHON") ?? "python3"
    guard let models else {
      print("No folder of models (MODELS): random weights, and no other engines to compare with.")
      return []
    }
    guard ChildRun([python, Self.script, "--help"]).succeeded else {
      print("'\(python) \(Self.script)' can't be run: this needs Python and the repository's folder.")
      return []
    }
    return Self.engines.compactMap { engine in
      guard ChildRun([python, Self.script, "has", engine.module]).succeeded else {
        print("\(engine.title) is not installed in '\(python)' (PYTHON): not compared with.")
        return nil
      }
      return Peer(module: engine.module, title: engine.title, python: python, models: models)
    }
  }

  private var zoo: String { environment("ZOO") ?? besideThis("zoo") }

  // MARK: Figures

  /// What `zoo bench --json` and `engines.py bench` print.
  private struct Measurement: Decodable {
    let medianMilliseconds: Double
    let openMilliseconds: Double?
    let loadMilliseconds: Double?
    let activationMebibytes: Double?
    private let peak: Int?
    var peakMebibytes: Double { Double(peak ?? 0) }

    enum CodingKeys: String, CodingKey {
      case medianMilliseconds = "median_ms"
      case openMilliseconds = "open_ms"
      case loadMilliseconds = "load_ms"
      case activationMebibytes = "activation_mib"
      case peak = "peak_mib"
    }
  }

  private func measure(_ command: [String]) throws -> Measurement {
    let run = ChildRun(command, capturing: true)
    guard run.succeeded else { throw Failure(command: command) }
    return try JSONDecoder().decode(Measurement.self, from: Data(run.output))
  }

  private func median(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.sorted()[values.count / 2]
  }

  private func rounded(_ value: Double?, _ places: Int) -> String {
    value.map { String(format: "%.\(places)f", $0) } ?? "–"
  }

  private func ratio(_ a: Double?, _ b: Double?) -> String {
    guard let a, let b, b > 0 else { return "–" }
    return String(format: "%.2f", a / b)
  }

  private func machine() -> String {
    let lines = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8))?.split(separator: "\n") ?? []
    let model = lines.first { $0.hasPrefix("model name") }?.split(separator: ":").last ?? "this machine"
    let date = Date().formatted(.iso8601.year().month().day())
    return "\(date), \(Processors.count) cores of \(model.trimmingCharacters(in: .whitespaces))"
  }
}
