import CZooPlanes
import ZooGraph
import ZooSystem
import ZooTensor

/// A tensor's values as the bytes that a file has of them, before these are coded.
struct TensorContent {
  /// The values that are converted, hashed and written at a time: some blocks of planes.
  static let partLength = 4 * CodedPlanes.blockLength

  let form: TensorForm
  private let tensor: StoredTensor
  private let quantized: QuantizedTensor?
  /// What rounding to codes has changed; nil for floats.
  private let roundingError: RoundingError?

  /// - Parameters:
  ///   - quantized: the same tensor as codes, where it comes so; taken if the form is theirs.
  ///   - name: the tensor's, for errors.
  /// - Throws: `ZooError` where values can't be whole numbers.
  init(
    of tensor: StoredTensor, quantized: QuantizedTensor? = nil, as form: TensorForm, name: String
  ) throws(ZooError) {
    self.form = form
    self.tensor = tensor
    switch form {
    case .values: (self.quantized, roundingError) = (nil, nil)
    case .codes(let codes):
      if let quantized, quantized.form == codes {
        (self.quantized, roundingError) = (quantized, .none(largestValue: 0))
      } else {
        let rounding = try QuantizedTensor.rounding(tensor, to: codes, name: name)
        (self.quantized, roundingError) = (rounding.tensor, rounding.error)
      }
    }
  }

  var elements: Int { tensor.shape.elementCount }
  /// Bytes of each value behind the prefix.
  var width: Int { form.codedWidth }

  /// Scales and minima; nil where there are none.
  var prefix: ByteSlice? {
    quantized.flatMap { $0.bytes.part(0..<$0.layout.codes.lowerBound) }
  }

  /// Calls `body` with the bytes behind the prefix, part by part.
  func forEachPart<Failure: Error>(_ body: (ByteSlice) throws(Failure) -> Void) throws(Failure) {
    switch form {
    case .values(let type):
      try tensor.forEachPart(length: Self.partLength) { part throws(Failure) in
        if part.elementType == type {
          try body(part.bytes)
        } else {
          let values = part.floats()
          part.bytes.letGo()
          try body(ByteSlice(type.bytes(of: values)))
        }
      }
    case .codes:
      guard let quantized else { return }
      let range = quantized.layout.codes
      for start in stride(from: range.lowerBound, to: range.upperBound, by: Self.partLength) {
        if let part = quantized.bytes.part(start..<min(start + Self.partLength, range.upperBound)) {
          try body(part)
        }
      }
    }
  }

  // MARK: Errors

  /// How far the values are from the tensor's, or from those of the source that it takes the place of.
  func error(from source: StoredTensor? = nil) -> StorageError? {
    if source == nil {
      if let roundingError { return StorageError(roundingError) }
      guard case .values(let type) = form, type != .float32, type != tensor.elementType else { return nil }
    }
    var sum = ErrorSum()
    var stored: [StoredTensor] = []
    tensor.forEachPart(length: Self.partLength) { stored.append($0) }
    var index = 0
    (source ?? tensor).forEachPart(length: Self.partLength) { part in
      let other = stored[index]
      sum.add(part.floats(), form.rounded(other.floats()))
      part.bytes.letGo()
      other.bytes.letGo()
      index += 1
    }
    return sum.error
  }

  private struct ErrorSum {
    private var largestError: Float = 0
    private var largestValue: Float = 0
    private var squares = 0.0
    private var count = 0

    /// Nil where no value has changed.
    var error: StorageError? {
      guard largestError > 0 else { return nil }
      return StorageError(
        largestError: Double(largestError), largestValue: Double(largestValue),
        rootMeanSquare: (squares / Double(count)).squareRoot())
    }

    mutating func add(_ values: [Float], _ stored: [Float]) {
      for (value, stored) in zip(values, stored) where value.isFinite {
        let error = abs(stored - value)
        largestError = max(largestError, error)
        largestValue = max(largestValue, abs(value))
        squares += Double(error) * Double(error)
        count += 1
      }
    }
  }
}

extension StorageError {
  /// Nil for what changes nothing.
  fileprivate init?(_ error: RoundingError) {
    guard error.largest > 0 else { return nil }
    self.init(
      largestError: error.largest, largestValue: error.largestValue, rootMeanSquare: error.rootMeanSquare)
  }
}

extension TensorForm {
  /// The nearest values that it can have, where it is floats.
  fileprivate func rounded(_ values: [Float]) -> [Float] {
    switch self {
    case .values(let type): type.rounded(values)
    case .codes: values
    }
  }
}

extension StoredTensor {
  /// Whether all of its values, which are 32-bit floats, are numbers of this type of 16 bits, bit for bit.
  func isExact(in type: ElementType) -> Bool {
    bytes.withUnsafeBytes { raw in
      let isAligned = Int(bitPattern: raw.baseAddress) % MemoryLayout<Float>.alignment == 0
      guard isAligned, elementType == .float32,
        let values = raw.assumingMemoryBound(to: Float.self).baseAddress
      else { return false }
      return type == .float16
        ? zoo_all_are_float16(values, shape.elementCount) : zoo_all_are_bfloat16(values, shape.elementCount)
    }
  }
}
