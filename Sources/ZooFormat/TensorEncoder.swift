import ZooGraph
import ZooSystem
import ZooTensor

/// Turns the values of a source into the bytes that a file stores, part by part, in memory that does not grow with the
/// tensor unless it becomes whole numbers.
struct TensorEncoder {
  /// What codes bytes without loss; nil for none of that.
  let frames: (any FrameCoder)?
  let leastCodedValues: Int

  /// How a tensor will be stored, and what that changes.
  struct Layout {
    let form: TensorForm
    let survey: PlaneSurvey?
    let byteCount: Int
    let error: StorageError?
  }

  // MARK: Before anything is written

  /// - Parameters:
  ///   - name: the tensor's, for errors.
  ///   - source: the values as they come.
  ///   - quantized: the same as codes, where they come so.
  ///   - replacement: what is stored in their place.
  ///   - form: how; one of 16 bits becomes 32 where a finite value does not fit.
  /// - Throws: `ZooError` where values can't be stored as whole numbers.
  func layout(
    _ name: String, of source: StoredTensor, quantized: QuantizedTensor? = nil,
    replacement: StoredTensor? = nil,
    as form: TensorForm
  ) throws(ZooError) -> Layout {
    let stored = replacement ?? source
    var content = try TensorContent(of: stored, quantized: quantized, as: exact(form, of: stored), name: name)
    let compared = replacement == nil ? nil : source
    var error = content.error(from: compared)
    if error?.largestError.isFinite == false, case .values = form {
      content = try TensorContent(of: stored, as: .values(.float32), name: name)
      error = content.error(from: compared)
    }
    let elements = source.shape.elementCount
    let survey = try survey(content)
    return Layout(
      form: content.form, survey: survey,
      byteCount: survey.map { content.form.codedFrom(elements: elements) + $0.byteCount }
        ?? content.form.byteCount(elements: elements),
      error: error)
  }

  /// The form of 16 bits that has all values bit for bit, where bytes are to be saved.
  private func exact(_ form: TensorForm, of tensor: StoredTensor) -> TensorForm {
    guard frames != nil, form == .values(.float32) else { return form }
    var types: [ElementType] = tensor.elementType == .float32 ? [.bfloat16, .float16] : []
    if tensor.elementType == .float16 || tensor.elementType == .bfloat16 {
      return .values(tensor.elementType)
    }
    tensor.forEachPart(length: TensorContent.partLength) { part in
      guard !types.isEmpty else { return }
      types.removeAll { !part.isExact(in: $0) }
      part.bytes.letGo()
    }
    return types.first.map(TensorForm.values) ?? form
  }

  private func survey(_ content: TensorContent) throws(ZooError) -> PlaneSurvey? {
    guard let frames, content.form.canBeCoded, content.elements >= leastCodedValues else { return nil }
    var surveyor = PlaneSurveyor(width: content.width, frames: frames)
    try content.forEachPart { (part) throws(ZooError) in
      try part.forEachBlock(width: content.width) { (block) throws(ZooError) in try surveyor.add(block) }
    }
    return surveyor.finish()
  }

  // MARK: Writing

  /// Calls `body` with the bytes as they go into the file, part by part, in order, and `plain` with what they are before
  /// they are coded.
  func forEachChunk(
    _ name: String, of stored: StoredTensor, quantized: QuantizedTensor? = nil, _ layout: Layout,
    plain: (UnsafeRawBufferPointer) -> Void,
    _ body: (ByteSlice) throws -> Void
  ) throws {
    let content = try TensorContent(of: stored, quantized: quantized, as: layout.form, name: name)
    if let prefix = content.prefix {
      prefix.withUnsafeBytes(plain)
      try body(prefix)
    }
    guard let survey = layout.survey, let frames else {
      return try content.forEachPart { part in
        part.withUnsafeBytes(plain)
        // Whoever writes it lets it go.
        try body(part)
      }
    }
    try body(ByteSlice(HeapBytes(survey.tables)))
    try content.forEachPart { part in
      part.withUnsafeBytes(plain)
      var coded: [UInt8] = []
      try part.forEachBlock(width: content.width) {
        coded += try survey.coded(SplitBlock($0, width: content.width), by: frames)
      }
      part.letGo()
      try body(ByteSlice(HeapBytes(coded)))
    }
  }
}

extension TensorForm {
  /// Whether its bytes can be cut into planes that are worth coding.
  var canBeCoded: Bool {
    switch self {
    case .values: true
    case .codes(let form): form.kind == .int8
    }
  }

  /// Where the bytes begin that are coded: behind scales.
  func codedFrom(elements: Int) -> Int {
    switch self {
    case .values: 0
    case .codes(let form): form.layout(elements: elements).codes.lowerBound
    }
  }

  /// The bytes of each value that is coded.
  var codedWidth: Int {
    switch self {
    case .values(let type): type.byteCount
    case .codes: 1
    }
  }
}

extension ByteSlice {
  /// Calls `body` with one block of values after another.
  fileprivate func forEachBlock<Failure: Error>(
    width: Int, _ body: (UnsafeRawBufferPointer) throws(Failure) -> Void
  ) throws(Failure) {
    try withUnsafeBytes { (bytes) throws(Failure) in
      let length = CodedPlanes.blockLength * width
      for start in stride(from: 0, to: bytes.count, by: length) {
        try body(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + length, bytes.count)]))
      }
    }
  }
}
