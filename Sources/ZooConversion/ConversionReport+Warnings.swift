import ZooSystem
import ZooWeightFiles

extension ConversionReport {
  /// The most weights and tensors that warnings name one by one.
  private static let nameLimit = 12

  /// What a person should know, one line each.
  ///
  /// - Parameter largestError: how far storing may move a layer.
  func foundWarnings(largestError: Double) -> [String] {
    var warnings = faultWarnings + unusedWarnings
    let open = tensors.count { $0.alike > 0 && $0.witnesses == ["order", "shape"] }
    if open > 0 {
      warnings.append("\(open) tensors in \(source) have no names and were matched by order alone")
    }
    if let warning = precisionWarning(largestError: largestError) { warnings.append(warning) }
    if preprocessingIsAssumed {
      warnings.append(
        "nothing in \(source) specifies the preprocessing, so pixel values 0…255 go in as they are; "
          + "set --preprocessing")
    }
    return warnings
  }

  private var faultWarnings: [String] {
    let named = faults.prefix(Self.nameLimit).map {
      "\($0.text); the network's outputs will be no numbers"
    }
    let others = faults.count - named.count
    return others > 0 ? named + ["\(others) more weights with such values, listed by --report"] : named
  }

  private var unusedWarnings: [String] {
    let unexpected = unused.filter { !TrainingState.reasons.contains($0.reason) }
    return Dictionary(grouping: unexpected, by: \.reason).sorted { $0.key < $1.key }.map {
      reason, omissions in
      var names = omissions.prefix(Self.nameLimit).map { "'\($0.name)'" }.joined(separator: ", ")
      if omissions.count > Self.nameLimit {
        names += ", and \(omissions.count - Self.nameLimit) more, listed by --report"
      }
      return
        "\(omissions.count) unused \(omissions.count == 1 ? "entry" : "entries") in \(source) (\(reason)): "
        + names
    }
  }

  /// What the type that was asked for did not make smaller, and what would.
  private func precisionWarning(largestError: Double) -> String? {
    guard let error = errorForAll else { return nil }
    let smaller = tensors.filter { $0.storedType != "f32" }.reduce(0) { $0 + $1.shape.reduce(1, *) }
    guard smaller < parameters / 2 else { return nil }
    // Rounded up to two digits, so that it suffices.
    let step = pow(10, (log10(error) - 1).rounded(.down))
    let limit = (error / step).rounded(.up) * step
    let name = storage == "f16" ? "half precision" : storage
    let all = storage == "f16" ? "take \(byteSize(parameters * 2))" : "are stored as small as they can be"
    return
      "\(smaller == 0 ? "nothing" : "little") became smaller: in \(name), the other weights would move a layer "
      + "by more than the largest error allowed, \(significant(largestError)); "
      + "with --largest-error \(significant(limit)) all weights \(all)"
  }
}
