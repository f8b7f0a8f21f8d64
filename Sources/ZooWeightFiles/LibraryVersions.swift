import CDeflate
import CHDF5
import CZlib

/// The versions of the system's libraries that read weight files.
package enum LibraryVersions {
  package static var weightFiles: [String: String] {
    var (major, minor, release): (UInt32, UInt32, UInt32) = (0, 0, 0)
    H5get_libversion(&major, &minor, &release)
    return [
      "HDF5": "\(major).\(minor).\(release)",
      "libdeflate": LIBDEFLATE_VERSION_STRING,
      "zlib": zlibVersion().map { String(cString: $0) } ?? "unknown",
    ]
  }
}
