import ZooSystem
import ZooTensor
import ZooWeightFiles

extension NumPyArchive {
  /// All arrays' names, without `.npy`, in the order of the file.
  var names: [String] { tensors.map(\.name) }

  /// The array `name` as 32-bit floats; nil where there is none.
  func tensor(named name: String) throws(ZooError) -> Tensor? {
    try array(named: name).map { Tensor(shape: $0.shape, values: $0.floats()) }
  }

  /// The array `name` as 64-bit floats, row-major; nil where there is none.
  func doubles(named name: String) throws(ZooError) -> (shape: Shape, values: [Double])? {
    try array(named: name).map { ($0.shape, $0.doubles()) }
  }

  /// What `zoo run` takes as input: the array `x` of an `.npz`, or the one of an `.npy`.
  static func input(path: String) throws(ZooError) -> Tensor {
    let file = try NumPyArchive(path: path)
    if let x = try file.tensor(named: "x") { return x }
    if file.names.count == 1, let only = try file.tensor(named: file.names[0]) { return only }
    throw ZooError(
      .malformed, "input", at: path, "it has no array x, but \(file.names.prefix(5).joined(separator: ", "))")
  }
}
