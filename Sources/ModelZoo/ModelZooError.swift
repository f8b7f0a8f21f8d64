import ZooTensor

/// What went wrong in this library: what, where and why, as ``ZooError`` has it.
public struct ModelZooError: ZooError {
  public let what: String
  public let location: String
  public let why: String
  public let remedy: String?
  public let category: ErrorCategory

  package init(
    _ what: String, at location: String, _ why: String, remedy: String? = nil,
    category: ErrorCategory = .badInput
  ) {
    self.what = what
    self.location = location
    self.why = why
    self.remedy = remedy
    self.category = category
  }

  /// Any error of the modules below, in the one type that this library throws.
  init(_ error: any Error) {
    if let error = error as? any ZooError {
      self.init(
        error.what, at: error.location, error.why, remedy: error.remedy, category: error.category)
    } else {
      self.init("unexpected fault", at: "ModelZoo", "\(error)")
    }
  }

  /// Runs `body` and turns whatever it throws into this type.
  static func wrap<Result>(_ body: () throws -> Result) throws(ModelZooError) -> Result {
    do {
      return try body()
    } catch let error as ModelZooError {
      throw error
    } catch {
      throw ModelZooError(error)
    }
  }
}
