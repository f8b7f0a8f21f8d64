import ZooGraph
import ZooSystem
import ZooTensor

extension StoragePlan {
  /// What turns a tensor into stored bytes.
  func encoder(of slot: WeightSlot) -> TensorEncoder {
    TensorEncoder(
      frames: uncoded.contains(slot) ? nil : frames, leastCodedValues: leastCodedValues)
  }

  /// Whether a tensor's values have to be looked at before it is known how many bytes it takes.
  func hasToSurvey(_ slot: WeightSlot) -> Bool {
    form(of: slot) != .values(.float32) || replaced[slot] != nil || encoder(of: slot).frames != nil
  }

  /// How a tensor is stored that ``hasToSurvey(_:)`` does not ask for.
  func layoutAsItIs(_ slot: WeightSlot) -> TensorEncoder.Layout {
    let form = form(of: slot)
    return TensorEncoder.Layout(
      form: form, survey: nil, byteCount: form.byteCount(elements: slot.shape.elementCount), error: nil)
  }

  /// How a tensor is stored.
  ///
  /// - Parameters:
  ///   - source: the values as they come.
  ///   - quantized: the same as codes, where they come so.
  /// - Throws: `ZooError` where values can't be stored as whole numbers.
  func layout(
    of slot: WeightSlot, _ source: StoredTensor, quantized: QuantizedTensor?
  ) throws(ZooError) -> TensorEncoder.Layout {
    try encoder(of: slot).layout(
      slot.name, of: source, quantized: quantized, replacement: replaced[slot], as: form(of: slot))
  }

  /// The codes of a tensor, where it comes as such and they are stored.
  func codes(_ weights: some WeightSource, _ slot: WeightSlot) throws -> QuantizedTensor? {
    guard case .codes = form(of: slot), replaced[slot] == nil else { return nil }
    return try weights.quantizedTensor(for: slot)
  }

  /// The bytes that tensors take in a file, with those that align the next one.
  ///
  /// - Throws: `ZooError` where values can't be stored as whole numbers, and what `weights` throws.
  package func byteCount(of slots: [WeightSlot], weights: some WeightSource) throws -> Int {
    try slots.reduce(0) { total, slot in
      try Cancellation.check()
      return total + (try byteCount(of: slot, weights: weights))
    }
  }

  /// The bytes that a tensor takes in a file, with those that align the next one.
  ///
  /// - Throws: `ZooError` where values can't be stored as whole numbers, and what `weights` throws.
  package func byteCount(of slot: WeightSlot, weights: some WeightSource) throws -> Int {
    let layout =
      hasToSurvey(slot)
      ? try layout(of: slot, weights.tensor(for: slot), quantized: codes(weights, slot)) : layoutAsItIs(slot)
    return Preamble.aligned(layout.byteCount) ?? layout.byteCount
  }
}

extension ZooDocument {
  /// A bound on the bytes of a file that are not tensors, for whoever has to know before the test case and the report of
  /// the verification are made.
  package var headerAllowance: Int {
    // A tensor's place, form, shape and checksum; of a kernel also planes, the checksum of uncoded bytes and the error.
    let records = graph.weightSlots.reduce(0) { $0 + ($1.shape.rank > 1 ? 160 : 64) }
    let samples = min(
      TestCase.sampleLimit, graph.outputs.reduce(0) { $0 + min(graph[$1].shape.elementCount, 512) })
    let testCase = 15 * samples + 20 * graph.outputs.count
    let verification = 2048
    return Header(document: self, tensors: []).bytes.count + records + testCase + verification
      + 2 * Preamble.alignment
  }
}
