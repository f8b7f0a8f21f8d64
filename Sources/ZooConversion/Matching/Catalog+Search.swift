import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor

extension Catalog {
  /// The networks that tensors of these names and shapes could belong to, best first.
  ///
  /// With names, a network may use only a part of the tensors; without, it must use all of them.
  /// The order of `hints` is not relied on.
  ///
  package static func candidates(
    for hints: [TensorHint], _ context: MatchContext = MatchContext()
  ) -> [Candidate] {
    let inventory = TensorInventory(hints, context)
    return sorted(architectures.flatMap { candidates(of: $0, for: inventory) })
  }

  /// The best network of one architecture.
  ///
  /// - Throws: what does not fit.
  package static func candidate(
    architecture name: String, for hints: [TensorHint], _ context: MatchContext = MatchContext()
  ) throws(ZooError) -> Candidate {
    guard let architecture = architecture(named: name) else {
      let known = architectures.map(\.name).joined(separator: ", ")
      throw ZooError(
        .unknownArchitecture, what: "unknown architecture", at: "'\(name)'",
        "known architectures are \(known)")
    }
    let inventory = TensorInventory(hints, context)
    if let best = sorted(candidates(of: architecture, for: inventory)).first {
      return best
    }
    throw ZooError(
      .doesNotFit, what: "weights that do not fit", at: "architecture '\(architecture.name)'",
      whatDoesNotFit(architecture, inventory))
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
    of architecture: Architecture, for inventory: TensorInventory
  ) -> [Candidate] {
    let inputSize = inventory.context.inputSize
    var found: [Candidate] = []
    for guess in architecture.guesses(inventory) {
      guard let input = inputShape(of: architecture, guess, inputSize: inputSize) else { continue }
      let variant = Variant(
        architecture: architecture.name, definition: guess.definition, input: input, head: guess.head,
        conventions: guess.conventions)
      guard let graph = try? variant.graph() else { continue }
      let slots = graph.weightSlots
      let needed = slots.reduce(into: [Shape: Int]()) {
        $0[guess.definition.fileShape(of: $1), default: 0] += 1
      }
      guard needed.allSatisfy({ inventory.count($0.key) >= $0.value }) else { continue }
      let unused = inventory.hints.count - slots.count
      guard unused == 0 || inventory.hasNames else { continue }

      let layers = Set(slots.map(\.layer))
      let named = Set(architecture.layers(of: inventory, in: graph)).intersection(layers).count
      // Tensors to spare prove nothing by their shapes alone.
      guard unused == 0 || named == layers.count && !hasOwnTop(inventory, variant, graph, architecture) else {
        continue
      }
      found.append(
        Candidate(
          variant: variant, graph: graph, isExact: unused == 0, unusedCount: unused,
          nameAgreement: layers.isEmpty ? 0 : Double(named) / Double(layers.count),
          explanation: explanation(
            variant, guess.reason, slots: slots.count, layers: layers.count, named: named, unused: unused,
            hasNames: inventory.hasNames, sizeGiven: inputSize != nil)))
    }
    return found
  }

  /// Whether the file has layers of the top that `variant` leaves out: a top that does not fit is a
  /// mistake to report, not something to leave over.
  private static func hasOwnTop(
    _ inventory: TensorInventory, _ variant: Variant, _ backbone: Graph, _ architecture: Architecture
  ) -> Bool {
    guard case .features = variant.head,
      let whole = try? variant.definition.graph(input: variant.input, head: .imageNet)
    else { return false }
    let top = Set(whole.weightSlots.map(\.layer)).subtracting(backbone.weightSlots.map(\.layer))
    return architecture.layers(of: inventory, in: whole).contains { top.contains($0) }
  }

  private static func explanation(
    _ variant: Variant, _ reason: String, slots: Int, layers: Int, named: Int, unused: Int, hasNames: Bool,
    sizeGiven: Bool
  ) -> String {
    var parts = [
      "\(variant.name) (\(variant.description)): all \(slots) weights have a tensor of their shape"
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
    for hints: [TensorHint], _ context: MatchContext = MatchContext()
  ) -> Variant? {
    let inventory = TensorInventory(hints, context)
    let misfits = architectures.compactMap { misfit(of: $0, inventory) }
    guard let best = misfits.min(by: { $0.missing < $1.missing }),
      best.missing <= hints.count / 4
    else { return nil }
    return best.variant
  }

  private static func whatDoesNotFit(
    _ architecture: Architecture, _ inventory: TensorInventory
  ) -> String {
    misfit(of: architecture, inventory)?.text ?? ""
  }

  /// The member of an architecture that lacks the fewest tensors, and what does not fit.
  private static func misfit(
    of architecture: Architecture, _ inventory: TensorInventory
  ) -> (variant: Variant, missing: Int, text: String)? {
    let inputSize = inventory.context.inputSize
    var input = architecture.defaultInput
    if let (height, width) = inputSize { (input.height, input.width) = (height, width) }
    var variants = architecture.guesses(inventory).compactMap { guess in
      inputShape(of: architecture, guess, inputSize: inputSize).map {
        Variant(
          architecture: architecture.name, definition: guess.definition, input: $0, head: guess.head,
          conventions: guess.conventions)
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
      let (missing, text) = misfit(variant, inventory)
      if missing < best?.missing ?? .max { best = (variant, missing, text) }
    }
    return best
  }

  /// How many weights of `variant` have no tensor, and which.
  private static func misfit(_ variant: Variant, _ inventory: TensorInventory) -> (missing: Int, text: String)
  {
    let graph: Graph
    do { graph = try variant.graph() } catch { return (.max - 1, "\(variant.description): \(error.why)") }
    var left = inventory.counts
    var missing: [WeightSlot] = []
    for slot in graph.weightSlots {
      let shape = variant.definition.fileShape(of: slot)
      if left[shape, default: 0] > 0 { left[shape, default: 0] -= 1 } else { missing.append(slot) }
    }
    let unused = inventory.hints.count - graph.weightSlots.count + missing.count
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

  /// The architecture of whose layers with weights the file has the largest share by their names; nil where
  /// that is less than a quarter for all.
  static func nearestByNames(
    for hints: [TensorHint], _ context: MatchContext = MatchContext()
  ) -> NearestArchitecture? {
    let inventory = TensorInventory(hints, context)
    var best: NearestArchitecture?
    for architecture in architectures {
      var variants = [
        Variant(
          architecture: architecture.name, definition: architecture.definition,
          input: architecture.defaultInput, head: .features(.none))
      ]
      if let misfit = misfit(of: architecture, inventory) { variants.append(misfit.variant) }
      for variant in variants {
        guard let graph = try? variant.graph() else { continue }
        let layers = Set(graph.weightSlots.map(\.layer))
        let named = Set(architecture.layers(of: inventory, in: graph)).intersection(layers).count
        let nearest = NearestArchitecture(variant: variant, named: named, layers: layers.count)
        if nearest.share > best?.share ?? 0 { best = nearest }
      }
    }
    return best.flatMap { $0.share >= 0.25 ? $0 : nil }
  }
}

/// An architecture that a file's names make think of.
struct NearestArchitecture {
  let variant: Variant
  /// How many of its layers with weights the file has by name.
  let named: Int
  /// How many layers with weights it has.
  let layers: Int

  var share: Double { layers == 0 ? 0 : Double(named) / Double(layers) }
  /// Whether the file is most likely this network with something wrong, and not another one.
  var isNearMiss: Bool { share >= 0.75 }
}
