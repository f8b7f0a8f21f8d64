import ZooGraph
import ZooSystem
import ZooTensor

/// What a weight file says about one of its tensors.
package struct TensorHint: Hashable, Sendable {
  /// The layer's name, where the file has names.
  package let layer: String?
  /// `kernel`, `gamma`, …, where the file says so.
  package let variable: String?
  package let shape: Shape
  /// The tensor's own name in the file.
  package let name: String?

  package init(layer: String?, variable: String?, shape: Shape, name: String? = nil) {
    self.name = name
    self.layer = layer
    self.variable = variable
    self.shape = shape
  }
}

/// A member of a family that a file's tensors may belong to, before it has been checked.
struct Guess {
  let definition: any NetworkDefinition
  let head: Head
  let channels: Int
  /// Height times width of the last feature map, where the weights tell.
  var lastPixels: Int?
  var habits = Variant.Habits()
  /// How the parameters were found, for people.
  let reason: String
}

/// What is known of a weight file besides its tensors.
package struct Circumstances: Sendable {
  /// Height and width in pixels; without them the size that the weights imply, else the architecture's default.
  package var inputSize: (Int, Int)?
  /// Every layer that the file lists, those without weights too, where it lists them.
  package var layers: Set<String> = []
  /// One of ``Architecture/writers``, where a person states it.
  package var writer: String?

  package init(inputSize: (Int, Int)? = nil, layers: Set<String> = [], writer: String? = nil) {
    self.inputSize = inputSize
    self.layers = layers
    self.writer = writer
  }
}

/// A file's tensors, sorted for guessing.
struct Evidence {
  let hints: [TensorHint]
  let layerNames: Set<String>
  let counts: [Shape: Int]
  /// (height, width, in, out) in the file's order.
  let kernels: [Shape]
  /// (in, out) in the file's order.
  let matrices: [Shape]
  /// Of the batch normalizations, where it is known.
  let epsilon: Double?
  let circumstances: Circumstances

  init(_ hints: [TensorHint], epsilon: Double? = nil, _ circumstances: Circumstances = Circumstances()) {
    self.circumstances = circumstances
    self.hints = hints
    layerNames = Set(hints.compactMap(\.layer))
    counts = hints.reduce(into: [:]) { $0[$1.shape, default: 0] += 1 }
    kernels = hints.map(\.shape).filter { $0.rank == 4 && $0.elementCount > 0 }
    matrices = hints.map(\.shape).filter { $0.rank == 2 && $0.elementCount > 0 }
    self.epsilon = epsilon
  }

  /// How many tops to try for one network; a file has one.
  static let headLimit = 8

  var hasNames: Bool { !layerNames.isEmpty }

  /// How many tensors have this shape.
  func count(_ shape: Shape) -> Int { counts[shape, default: 0] }

  /// The heads of a network that ends in one dense layer of `rows` inputs; without a top last.
  func denseHeads(rows: Int) -> [Head] {
    var classes: [Int] = []
    for matrix in matrices where matrix[0] == rows && !classes.contains(matrix[1]) {
      classes.append(matrix[1])
    }
    return classes.prefix(Evidence.headLimit).map { .classifier(classes: $0, activation: .softmax) } + [
      .features(.none)
    ]
  }
}

/// A network that a file's tensors fit.
package struct Candidate: Sendable {
  package let variant: Variant
  /// Whether every tensor of the file has its place.
  package let isExact: Bool
  /// How many tensors of the file would be left over.
  package let unusedCount: Int
  /// The share of the network's layers with weights whose names are in the file, 0…1.
  package let nameAgreement: Double
  /// In words, for the report.
  package let explanation: String

  package init(
    variant: Variant, isExact: Bool, unusedCount: Int, nameAgreement: Double, explanation: String
  ) {
    self.variant = variant
    self.isExact = isExact
    self.unusedCount = unusedCount
    self.nameAgreement = nameAgreement
    self.explanation = explanation
  }
}

extension Catalog {
  /// The networks that tensors of these names and shapes could belong to, best first.
  ///
  /// With names, a network may use only a part of the tensors; without, it must use all of them.
  /// The order of `hints` is not relied on.
  ///
  package static func candidates(
    for hints: [TensorHint], _ circumstances: Circumstances = Circumstances()
  ) -> [Candidate] {
    let evidence = Evidence(hints, circumstances)
    return sorted(architectures.flatMap { candidates(of: $0, for: evidence) })
  }

  /// The best network of one architecture.
  ///
  /// - Throws: what does not fit.
  package static func candidate(
    architecture name: String, for hints: [TensorHint], _ circumstances: Circumstances = Circumstances()
  ) throws(ZooError) -> Candidate {
    guard let architecture = architecture(named: name) else {
      let known = architectures.map(\.name).joined(separator: ", ")
      throw ZooError(
        .unknownArchitecture, what: "unknown architecture", at: "'\(name)'",
        "known architectures are \(known)")
    }
    let evidence = Evidence(hints, circumstances)
    if let best = sorted(candidates(of: architecture, for: evidence)).first {
      return best
    }
    throw ZooError(
      .doesNotFit, what: "weights that do not fit", at: "architecture '\(architecture.name)'",
      whatDoesNotFit(architecture, evidence))
  }

  static func sorted(_ candidates: [Candidate]) -> [Candidate] {
    candidates.enumerated().sorted { a, b in
      if a.element.isExact != b.element.isExact { return a.element.isExact }
      if a.element.nameAgreement != b.element.nameAgreement {
        return a.element.nameAgreement > b.element.nameAgreement
      }
      if a.element.unusedCount != b.element.unusedCount {
        return a.element.unusedCount < b.element.unusedCount
      }
      return a.offset < b.offset
    }.map(\.element)
  }

  static func candidates(
    of architecture: Architecture, for evidence: Evidence
  ) -> [Candidate] {
    let inputSize = evidence.circumstances.inputSize
    var found: [Candidate] = []
    for guess in architecture.guesses(evidence) {
      guard let input = inputShape(of: architecture, guess, inputSize: inputSize) else { continue }
      let variant = Variant(
        architecture: architecture.name, definition: guess.definition, input: input, head: guess.head,
        habits: guess.habits)
      guard let graph = try? variant.graph() else { continue }
      let slots = graph.weightSlots
      let needed = slots.reduce(into: [Shape: Int]()) { $0[$1.shape, default: 0] += 1 }
      guard needed.allSatisfy({ evidence.count($0.key) >= $0.value }) else { continue }
      let unused = evidence.hints.count - slots.count
      guard unused == 0 || evidence.hasNames else { continue }

      let layers = Set(slots.map(\.layer))
      let named = Set(evidence.layerNames.compactMap { architecture.layer(named: $0, in: graph) })
        .intersection(layers).count
      // Tensors to spare prove nothing by their shapes alone.
      guard unused == 0 || named == layers.count && !hasOwnTop(evidence, variant, architecture) else {
        continue
      }
      found.append(
        Candidate(
          variant: variant, isExact: unused == 0, unusedCount: unused,
          nameAgreement: layers.isEmpty ? 0 : Double(named) / Double(layers.count),
          explanation: explanation(
            variant, guess.reason, slots: slots.count, layers: layers.count, named: named, unused: unused,
            hasNames: evidence.hasNames, sizeGiven: inputSize != nil)))
    }
    return found
  }

  /// Whether the file has layers of the top that `variant` leaves out: a top that does not fit is a
  /// mistake to report, not something to leave over.
  private static func hasOwnTop(
    _ evidence: Evidence, _ variant: Variant, _ architecture: Architecture
  ) -> Bool {
    guard case .features = variant.head,
      let backbone = try? variant.graph(),
      let whole = try? variant.definition.graph(input: variant.input, head: .imageNet)
    else { return false }
    let top = Set(whole.weightSlots.map(\.layer)).subtracting(backbone.weightSlots.map(\.layer))
    return evidence.layerNames.contains { name in
      architecture.layer(named: name, in: whole).map(top.contains) ?? false
    }
  }

  private static func explanation(
    _ variant: Variant, _ reason: String, slots: Int, layers: Int, named: Int, unused: Int, hasNames: Bool,
    sizeGiven: Bool
  ) -> String {
    var parts = [
      "\(variant.architecture) (\(variant.description)): all \(slots) weights have a tensor of their shape"
    ]
    parts.append(
      hasNames
        ? "\(named) of \(layers) layers have the architecture's names" : "the file has no names")
    parts.append(reason)
    if unused > 0 { parts.append("\(unused) tensors are not used") }
    if !sizeGiven { parts.append("input size \(variant.input.height)x\(variant.input.width) is assumed") }
    return parts.joined(separator: "; ")
  }

  /// The given size, else one that the weights imply, else the default.
  private static func inputShape(
    of architecture: Architecture, _ guess: Guess, inputSize: (Int, Int)?
  ) -> InputShape? {
    if let (height, width) = inputSize { return InputShape(height, width, channels: guess.channels) }
    var input = architecture.defaultInput
    input.channels = guess.channels
    if let pixels = guess.lastPixels {
      // Five halvings: every size from 32n up to 32n + 31 has n pixels at the end.
      let side = Int(Double(pixels).squareRoot().rounded())
      guard side > 0, side < 1 << 16, side * side == pixels else { return nil }
      if input.height / 32 != side { (input.height, input.width) = (32 * side, 32 * side) }
    }
    return input
  }

  /// The network that most nearly fits where none does: at least four fifths of its weights have a
  /// tensor of their shape.
  package static func nearest(
    for hints: [TensorHint], _ circumstances: Circumstances = Circumstances()
  ) -> Variant? {
    let evidence = Evidence(hints, circumstances)
    let misfits = architectures.compactMap { misfit(of: $0, evidence) }
    guard let best = misfits.min(by: { $0.missing < $1.missing }),
      best.missing <= hints.count / 4
    else { return nil }
    return best.variant
  }

  private static func whatDoesNotFit(
    _ architecture: Architecture, _ evidence: Evidence
  ) -> String {
    misfit(of: architecture, evidence)?.text ?? ""
  }

  /// The member of an architecture that lacks the fewest tensors, and what does not fit.
  private static func misfit(
    of architecture: Architecture, _ evidence: Evidence
  ) -> (variant: Variant, missing: Int, text: String)? {
    let inputSize = evidence.circumstances.inputSize
    var input = architecture.defaultInput
    if let (height, width) = inputSize { (input.height, input.width) = (height, width) }
    var variants = architecture.guesses(evidence).compactMap { guess in
      inputShape(of: architecture, guess, inputSize: inputSize).map {
        Variant(
          architecture: architecture.name, definition: guess.definition, input: $0, head: guess.head,
          habits: guess.habits)
      }
    }
    if variants.isEmpty {
      variants.append(
        Variant(
          architecture: architecture.name, definition: architecture.definition, input: input,
          head: .features(.none)))
    }
    var best: (variant: Variant, missing: Int, text: String)?
    for variant in variants {
      let (missing, text) = misfit(variant, evidence)
      if missing < best?.missing ?? .max { best = (variant, missing, text) }
    }
    return best
  }

  /// How many weights of `variant` have no tensor, and which.
  private static func misfit(_ variant: Variant, _ evidence: Evidence) -> (missing: Int, text: String) {
    let graph: Graph
    do { graph = try variant.graph() } catch { return (.max - 1, "\(variant.description): \(error.why)") }
    var left = evidence.counts
    var missing: [WeightSlot] = []
    for slot in graph.weightSlots {
      if left[slot.shape, default: 0] > 0 { left[slot.shape, default: 0] -= 1 } else { missing.append(slot) }
    }
    let unused = evidence.hints.count - graph.weightSlots.count + missing.count
    if let first = missing.first {
      return (
        missing.count,
        "\(variant.description): \(missing.count) of \(graph.weightSlots.count) weights have no tensor of "
          + "their shape, the first is \(first.name) (\(first.shape))"
      )
    }
    // Leaving tensors over is the lesser misfit only where hardly any are.
    return (
      max(unused, 1),
      "\(variant.description): \(unused) tensors of the file would not be used, but their names do not show "
        + "that they belong elsewhere"
    )
  }
}
