import ZooSystem

/// The code of the `ZooError` that `body` throws; nil where it throws no such error.
package func errorCode<Result>(_ body: () throws -> Result) -> ZooError.Code? {
  do {
    _ = try body()
    return nil
  } catch {
    return (error as? ZooError)?.code
  }
}
