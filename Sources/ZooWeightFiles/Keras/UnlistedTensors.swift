import ZooSystem
import ZooTensor

/// What a file holds besides the tensors that its lists name: it is told, and belongs to no layer.
struct UnlistedTensors {
  let file: HDF5File
  /// The paths of the tensors that are listed.
  let listed: Set<String>
  private(set) var tensors: [(entry: TensorEntry, dataset: HDF5Dataset)] = []
  /// What can't be read, with the reason.
  private(set) var ignored: [(name: String, reason: String)] = []
  private var steps = 0

  init(file: HDF5File, listed: Set<String>) {
    self.file = file
    self.listed = listed
  }

  /// Looks at what is at `path`, and at all that is inside it.
  mutating func visit(_ path: String, isDataset: Bool) {
    steps += 1
    guard !listed.contains(path) else { return }
    guard steps <= KerasFile.tensorLimit else {
      if steps == KerasFile.tensorLimit + 1 {
        ignored.append((path, "more groups and tensors than are read"))
      }
      return
    }
    do throws(ZooError) {
      if isDataset {
        let dataset = try file.dataset(path)
        tensors.append(
          (TensorEntry(name: path, shape: dataset.shape, elementType: dataset.elementType), dataset))
      } else {
        for member in try file.members(of: path, limit: KerasFile.tensorLimit) {
          visit("\(path)/\(member.name)", isDataset: member.isDataset)
        }
      }
    } catch {
      ignored.append((path, error.why))
    }
  }
}
