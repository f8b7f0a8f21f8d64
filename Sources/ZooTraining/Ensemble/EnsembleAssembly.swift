import ZooFormat
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification

/// One ensemble, from files to a file.
struct EnsembleAssembly {
  let members: [ZooFile]
  let options: ModelEnsemble.Options

  /// A member's output for a task of the first member, and where its classes are.
  private struct Place {
    let output: Int
    /// For each of the first member's classes this member's; nil where the order is the same.
    let order: [Int]?
  }

  func write(
    to output: String, progress: (ModelEnsemble.Progress) -> Void
  ) throws -> EnsembleReport {
    guard let first = members.first, members.count > 1 else {
      throw ZooError(.invalidArgument, what: "no ensemble", at: output, "it takes two models or more")
    }
    let tasks = try TaskMatch.tasks(of: first)
    let places = try members.map { try self.places(of: $0, tasks, like: first) }
    var merge = GraphMerge()
    var outputs: [[Value]] = []
    for (member, places) in zip(members, places) {
      try Cancellation.check()
      outputs.append(try add(member, places, to: &merge))
    }
    let ends = tasks.indices.map { task in
      merge.add(
        tasks.count == 1 ? "ensemble" : "ensemble_\(task + 1)", .merge(.average), outputs.map { $0[task] })
    }
    let graph = try merge.build(outputs: ends)
    let weights = try merge.weights(of: graph)
    let assembly = ModelAssembly(
      document: document(graph, merge.layerTraining(of: graph), tasks, first), weights: weights,
      plan: weights.storagePlan)
    let report = try assembly.write(to: output, overwrite: options.overwrite) { engine in
      [try check(engine, places)]
    } verifying: {
      progress(.verifying($0))
    } writing: {
      progress(.writing(done: $0, total: $1))
    }
    return EnsembleReport(
      output: output,
      members: zip(members, places).map { member, places in
        EnsembleReport.Member(
          model: member.path, parameters: member.document.graph.parameterCount,
          isReordered: places.contains { $0.order != nil })
      },
      tasks: tasks.map(\.name), labels: tasks[0].labels, layers: graph.nodes.count,
      sharedLayers: merge.sharedCount, parameters: graph.parameterCount, verification: report)
  }

  // MARK: What has to be equal

  private func places(
    of member: ZooFile, _ tasks: [TrainingRecord.Task], like first: ZooFile
  ) throws(ZooError) -> [Place] {
    let (own, other) = (member.document, first.document)
    func check(_ what: String, _ a: String, _ b: String) throws(ZooError) {
      guard a != b else { return }
      throw ZooError(.doesNotFit, what: what, at: member.path, "\(a), but \(b) in \(first.path)")
    }
    func inputs(_ graph: Graph) -> String {
      graph.inputs.map { graph[$0].shape.description }.joined(separator: ", ")
    }
    func pixels(_ document: ZooDocument) -> String {
      let pixels = document.training?.pixels
      return "\(pixels?.resampling ?? "bilinear"), \(pixels?.crop.map { "crop \($0)" } ?? "stretched"), "
        + (pixels?.isUpright == true ? "upright" : "as stored")
    }
    try check("another input", inputs(own.graph), inputs(other.graph))
    try check("another preprocessing", own.card.preprocessing.rawValue, other.card.preprocessing.rawValue)
    try check("another way to bring pictures to size", pixels(own), pixels(other))
    let found = try TaskMatch.tasks(of: member)
    var places: [Place] = []
    for task in tasks {
      let isOnly = tasks.count == 1 && found.count == 1
      guard let output = found.firstIndex(where: { ($0.name == task.name || isOnly) && $0.kind == task.kind })
      else {
        throw ZooError(
          .doesNotFit, what: "another task", at: member.path,
          "it has no \(task.kind.rawValue) '\(task.name)' as \(first.path) has")
      }
      places.append(Place(output: output, order: try order(found[output], like: task, member, first)))
    }
    return places
  }

  private func order(
    _ own: TrainingRecord.Task, like task: TrainingRecord.Task, _ member: ZooFile, _ first: ZooFile
  ) throws(ZooError) -> [Int]? {
    guard own.labels != task.labels else { return nil }
    func few(_ names: Set<String>) -> String {
      names.sorted().prefix(5).map { "'\($0)'" }.joined(separator: ", ")
    }
    let (mine, others) = (Set(own.labels), Set(task.labels))
    guard mine == others else {
      let (more, less) = (mine.subtracting(others), others.subtracting(mine))
      throw ZooError(
        .doesNotFit, what: "other classes", at: member.path,
        [
          more.isEmpty ? nil : "\(first.path) has not \(few(more))",
          less.isEmpty ? nil : "it has not \(few(less))",
        ].compactMap(\.self).joined(separator: "; "))
    }
    guard mine.count == own.labels.count, own.labels.count == task.labels.count else {
      throw ZooError(.doesNotFit, what: "other classes", at: member.path, "two classes have one name")
    }
    let order = task.labels.compactMap { own.labels.firstIndex(of: $0) }
    let graph = member.document.graph
    let values = graph.outputs.first.map { graph[$0].shape.elementCount } ?? 0
    guard graph.outputs.count > 1 || values == own.labels.count else {
      throw ZooError(
        .unsupported, what: "classes in another order", at: member.path,
        "its single value is the probability of '\(own.labels.last ?? "")'")
    }
    return order
  }

  // MARK: The network

  /// Adds a member; its outputs in the order of the first member's tasks and classes.
  private func add(_ member: ZooFile, _ places: [Place], to merge: inout GraphMerge) throws -> [Value] {
    let graph = member.document.graph
    var changes: [String: [WeightRole: [Float]]] = [:]
    var hasOrder: Set<Int> = []
    for place in places {
      guard let order = place.order, let change = try reordered(member, graph.outputs[place.output], order)
      else { continue }
      changes[graph[graph.outputs[place.output]].name] = change
      hasOrder.insert(place.output)
    }
    let outputs = merge.add(member, changes: changes)
    return places.map { place in
      guard let order = place.order, !hasOrder.contains(place.output) else { return outputs[place.output] }
      // A product with ones and zeros puts values into another order.
      var kernel = [Float](repeating: 0, count: order.count * order.count)
      for (to, from) in order.enumerated() { kernel[from * order.count + to] = 1 }
      return merge.add(
        "order", .dense(Dense(units: order.count, useBias: false)), [outputs[place.output]],
        weights: [.kernel: kernel])
    }
  }

  /// The weights of a last dense layer with its units in another order; nil where the output is of no such layer, or
  /// others use it.
  private func reordered(
    _ member: ZooFile, _ output: Value, _ order: [Int]
  ) throws -> [WeightRole: [Float]]? {
    let graph = member.document.graph
    let node = graph[output]
    guard case .dense(let dense) = node.operation, dense.units == order.count, node.sharing == nil,
      !graph.nodes.contains(where: { $0.inputs.contains(output) || $0.sharing == output }),
      graph.outputs.count(where: { $0 == output }) == 1
    else { return nil }
    var change: [WeightRole: [Float]] = [:]
    for slot in node.weights {
      let values = try member.tensor(for: slot).floats()
      change[slot.role] = stride(from: 0, to: values.count, by: order.count).flatMap { start in
        order.map { values[start + $0] }
      }
    }
    return change
  }

  // MARK: Checking

  /// How far probabilities may be from the mean of the members'.
  private static let tolerance = 1e-5

  /// The ensemble against the mean of its members, each run by itself from its own file.
  private func check(_ engine: Engine, _ places: [[Place]]) throws -> VerificationReport.Check {
    let graph = engine.graph
    var largest = 0.0
    var location = ""
    let seeds: [UInt64] = [1, 2, 3]
    for seed in seeds {
      let inputs = try TestInput.make(
        for: graph, preprocessing: members[0].document.card.preprocessing, seed: seed)
      let found = try engine.makeSession().run(inputs)
      var means = found.map { [Double](repeating: 0, count: $0.values.count) }
      for (member, places) in zip(members, places) {
        let alone = try Engine(
          graph: member.document.graph, weights: member, options: PlanOptions(threads: engine.threads))
        let outputs = try alone.makeSession().run(inputs)
        for (task, place) in places.enumerated() {
          for index in means[task].indices {
            let value = outputs[place.output].values[place.order?[index] ?? index]
            means[task][index] += Double(value) / Double(members.count)
          }
        }
      }
      for (task, mean) in means.enumerated() {
        let size = max(1, mean.reduce(0) { max($0, abs($1)) })
        for (value, truth) in zip(found[task].values, mean) {
          let error = abs(Double(value) - truth) / size
          if !(error <= largest) {
            (largest, location) = (error.isNaN ? .infinity : error, graph[graph.outputs[task]].name)
          }
        }
      }
    }
    return VerificationReport.Check(
      "ensemble against its members", largest <= Self.tolerance ? .passed : .failed, largestError: largest,
      location: location, tolerance: Self.tolerance, detail: "\(seeds.count) pictures")
  }

  // MARK: The file

  private func document(
    _ graph: Graph, _ training: [String: LayerTraining], _ tasks: [TrainingRecord.Task], _ first: ZooFile
  ) -> ZooDocument {
    let names = members.map { $0.path.split(separator: "/").last.map(String.init) ?? $0.path }
    var card = first.document.card
    card.variant = "ensemble of \(members.count): \(card.variant)"
    card.accuracy = nil
    var data: [String] = []
    for member in members {
      if let own = member.document.training?.data ?? member.document.card.trainingData, !data.contains(own) {
        data.append(own)
      }
    }
    card.trainingData = data.isEmpty ? nil : data.joined(separator: "; ")
    let contents = members.map { $0.contentHash?.hexadecimal ?? "" }
    let own = first.document.training
    var settings = ["combined by": "mean of probabilities"]
    for (number, (name, content)) in zip(names, contents).enumerated() {
      settings["member \(number + 1)"] = "\(name) \(content)".onOneLine
    }
    if members.contains(where: { $0.document.training?.allowsFlips == false }) { settings["flips"] = "none" }
    let record = TrainingRecord(
      backbone: own?.backbone ?? names[0],
      backboneContent: own?.backboneContent ?? first.contentHash?.hexadecimal
        ?? String(repeating: "0", count: 64),
      layers: [], data: data.joined(separator: "; ").onOneLine,
      dataChecksum: Checksum(
        of: members.map { $0.document.training?.dataChecksum ?? "" }.joined(separator: "\n")
      ).hexadecimal, pictureCount: members.map { $0.document.training?.pictureCount ?? 0 }.max() ?? 0,
      tasks: tasks,
      pixels: own?.pixels
        ?? TrainingRecord.Pixels(resampling: "bilinear", crop: nil, isUpright: false), settings: settings)
    let isOneSource = members.allSatisfy { $0.document.source == first.document.source }
    return ZooDocument(
      graph: graph, card: card, labels: tasks.count == 1 ? first.document.labels : [],
      source: isOneSource ? first.document.source : nil, training: record,
      layerTraining: training)
  }
}
