import CZooKernels
import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// The kernels of one instruction set; its table lives as long as the process.
package struct Kernels: @unchecked Sendable {
  /// The environment variable that forces an instruction set.
  static let environmentVariable = "ZOO_KERNELS"

  let table: UnsafePointer<zoo_kernels>

  package var name: String { String(cString: table.pointee.name) }
  /// Floats in a vector.
  var vector: Int { Int(table.pointee.vector) }
  /// Rows of the usual register block (MR).
  var mr: Int { Int(table.pointee.mr) }

  /// The bytes of values between two operations that stay in the second-level cache while weights go by: processors
  /// with vectors of 16 floats have a megabyte and more.
  var cachedBlock: Int { (vector == 16 ? 384 : 256) * 1024 }

  /// Whether products can run on matrix tiles.
  var hasTiles: Bool { table.pointee.tile_scratch != nil }

  /// The scratch memory that a block of so many rows of a product on matrix tiles takes, in floats.
  func tileScratch(rows: Int, inputs: Int, columns: Int) -> Int {
    Place.wholeLines(Int(table.pointee.tile_scratch(Int32(rows), Int32(inputs), Int32(columns))))
  }

  /// The instruction set of this name, where this machine has it.
  init?(named name: String) {
    guard let table = zoo_kernels_named(name) else { return nil }
    self.table = table
  }

  /// Every name that this build knows, best first.
  static var known: [String] {
    var names: [String] = []
    while let name = zoo_kernels_known(Int32(names.count)) { names.append(String(cString: name)) }
    return names
  }

  /// Those that this machine can run, best first.
  static var available: [Kernels] { known.compactMap(Kernels.init(named:)) }

  /// The one that `forced` or else the environment names, or the best that this machine has.
  package static func choose(
    _ forced: String? = nil, environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ZooError) -> Kernels {
    let value = environment[environmentVariable]
    if let name = forced ?? (value?.isEmpty == false ? value : nil) {
      if let kernels = Kernels(named: name) { return kernels }
      let why = known.contains(name) ? "this machine lacks '\(name)'" : "there is no '\(name)'"
      let possible = available.map(\.name).joined(separator: ", ")
      throw ZooError(
        .invalidArgument, what: "cannot choose kernels",
        at: forced == nil ? environmentVariable : "the options",
        "\(why), only \(possible)")
    }
    guard let best = available.first else {
      throw ZooError(.invalidArgument, what: "cannot choose kernels", at: "this machine", "it has none")
    }
    return best
  }
}
