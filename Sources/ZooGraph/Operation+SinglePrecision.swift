import ZooSystem

extension Operation {
  /// Throws where an attribute is no finite 32-bit float, in which engines compute.
  func checkPrecision(of layer: String) throws(ZooError) {
    for case (let name, .double(let value)) in attributes where !Float(value).isFinite {
      throw ZooError.invalidNetwork(layer: layer, "\(name) is \(value), beyond the range of 32-bit floats")
    }
  }
}
