import ModelZoo
import ZooSystem
import ZooWeightFiles

/// What the command runs with on this machine: what a report of a fault should state.
public struct Installation: Sendable, Encodable {
  /// The package's version.
  public let version: String
  /// The commit at which the folder is now from which the command was built; nil elsewhere.
  public let checkout: String?
  /// The version of the compiler.
  public let swift: String
  /// The processor, as the system names it.
  public let processor: String
  /// How many threads it runs at once.
  public let threads: Int
  /// The instruction sets that can be used, best first.
  public let kernels: [String]
  /// The versions of the libraries that say theirs, and the files of the others, by name.
  public let libraries: [String: String]

  /// Of this process.
  public init() {
    version = ZooVersion.current
    checkout = Self.commit()
    swift = Self.compiler
    processor = Self.processorName
    threads = Processors.count
    kernels = Model.availableKernels
    libraries = LibraryVersions.weightFiles.merging(Self.loadedLibraries) { known, _ in known }
  }

  private static var compiler: String {
    #if compiler(>=6.4)
      "6.4 or later"
    #elseif compiler(>=6.3)
      "6.3"
    #elseif compiler(>=6.2)
      "6.2"
    #else
      "6.1"
    #endif
  }

  private static var processorName: String {
    #if canImport(Darwin)
      var size = 0
      sysctlbyname("machdep.cpu.brand_string", nil, &size, nil, 0)
      var name = [CChar](repeating: 0, count: size + 1)
      guard sysctlbyname("machdep.cpu.brand_string", &name, &size, nil, 0) == 0 else { return "unknown" }
      return name.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "unknown" }
    #else
      // "Model name" of arm64 is in no file of the kernel's; its numbers are.
      let lines = Self.text(ofFile: "/proc/cpuinfo").split(separator: "\n")
      let line = lines.first { $0.hasPrefix("model name") } ?? lines.first { $0.hasPrefix("CPU part") }
      return line?.split(separator: ":").last.map { $0.drop { $0 == " " } }.map(String.init) ?? "unknown"
    #endif
  }

  /// The libraries of pictures that this process has loaded, by the names of their files.
  private static var loadedLibraries: [String: String] {
    var found: [String: String] = [:]
    for line in text(ofFile: "/proc/self/maps").split(separator: "\n") {
      guard let file = line.split(separator: "/").last, let dot = file.firstRange(of: ".so") else { continue }
      let name = file[..<dot.lowerBound]
      if ["jpeg", "png", "webp", "tiff", "gif", "heif", "avif"].contains(where: name.contains) {
        found[String(name)] = String(file)
      }
    }
    return found
  }

  /// The commit of the checkout whose build folder has this executable.
  private static func commit() -> String? {
    guard let executable = try? HDF5Helper.ownExecutable(),
      let build = executable.firstRange(of: "/.build/")
    else { return nil }
    let root = String(executable[..<build.lowerBound])
    // In a linked worktree, .git is a file that names the folder.
    var folder = "\(root)/.git"
    if isFile(folder) { folder = line(ofFile: folder).replacing("gitdir: ", with: "") }
    let head = line(ofFile: "\(folder)/HEAD")
    guard head.hasPrefix("ref: ") else { return head.isEmpty ? nil : head }
    let reference = head.dropFirst("ref: ".count)
    let common = line(ofFile: "\(folder)/commondir")
    for place in [folder, common.hasPrefix("/") ? common : "\(folder)/\(common)"] {
      let commit = line(ofFile: "\(place)/\(reference)")
      if !commit.isEmpty { return commit }
    }
    return nil
  }

  private static func line(ofFile path: String) -> String {
    text(ofFile: path).split(separator: "\n").first.map(String.init) ?? ""
  }

  /// All of a file; files of the kernel's have no size.
  private static func text(ofFile path: String) -> String {
    guard let file = fopen(path, "r") else { return "" }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var part = [UInt8](repeating: 0, count: 1 << 14)
    while bytes.count < 1 << 22 {
      let count = fread(&part, 1, part.count, file)
      guard count > 0 else { break }
      bytes += part[..<count]
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
