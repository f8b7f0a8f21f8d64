import Synchronization
import ZooSystem
import ZooTensor

/// Where the C library libhdf5 looks at HDF5 files (`.h5`, and the weights inside `.keras`): a choice for the
/// whole process, since a fault of libhdf5 takes down the whole process in which it runs.
///
/// libhdf5 has memory faults that a damaged or malicious file can reach. Either way it only says what is
/// where in a file; what it says is checked, and tensors are read without it.
public enum HDF5Access: Sendable, Hashable {
  /// In this process: for files of known origin, as those that ship with an app, and where no processes can
  /// be started.
  case inProcess
  /// In a child process with limits on memory, time and files, for each file anew: for files from users or
  /// from the network. A fault or a limit there becomes an error here, in some hundredths of a second.
  /// `helper` is the path of the `zoo` executable of this version.
  case isolated(helper: String)

  private static let shared = Mutex(HDF5Access.inProcess)

  /// What holds instead in one task, for tests that run beside others.
  @TaskLocal package static var scoped: HDF5Access?

  /// What holds in this process for files that are opened from now on; at first ``inProcess``.
  public static var current: HDF5Access {
    get { scoped ?? shared.withLock { $0 } }
    set { shared.withLock { $0 = newValue } }
  }

  /// The catalogue of an HDF5 file that starts with its signature.
  func catalogue(of file: ByteSlice, location: String) throws(ZooError) -> HDF5Catalogue {
    switch self {
    case .inProcess:
      do {
        return try file.withUnsafeBytes { bytes throws(HDF5Catalogue.Problem) in
          try HDF5Walk.catalogue(of: bytes, limits: .current)
        }
      } catch {
        throw ZooError(error, at: location)
      }
    case .isolated(let helper):
      return try HDF5Helper.catalogue(of: file, executable: helper, location: location)
    }
  }
}
