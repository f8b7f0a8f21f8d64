import Foundation
import ZooConversion
import ZooFormat
import ZooGraph
import ZooModels
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// Times `zoo convert --no-verify` against `cp` of the same file, and against h5py and safetensors in Python,
/// in turn; and its memory.
enum ConversionBenchmark {
  private static let rounds = 5

  /// Without `files`, a VGG16 with random weights in every format that can be converted again.
  static func run(files: [String]) throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
      "zoo-bench-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    let inputs = try files.isEmpty ? makeFilesInChild(in: folder) : files
    let python = environment("PYTHON") ?? "python3"
    let hasPython = ChildRun([python, "-c", "import h5py, safetensors.numpy"]).succeeded
    if !hasPython { print("No h5py and safetensors in '\(python)' (set PYTHON): not compared with.\n") }
    print("Medians of \(rounds) rounds in turn; times in ms, memory in MiB.\n")
    print(
      "| file | size | largest tensor | cp | cp, sync | zoo convert | of cp | of cp, sync | peak memory | h5py + safetensors | its memory |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for input in inputs { try time(input, in: folder, python: hasPython ? python : nil) }
  }

  /// A child's memory counts from what its parent has, so the parent makes nothing large itself.
  private static func makeFilesInChild(in folder: URL) throws -> [String] {
    let command = [besideThis("zoo-benchmarks"), "conversion-files", folder.path]
    guard ChildRun(command).succeeded else { throw Failure(command: command) }
    return ExportFormat.readable.map { folder.appendingPathComponent("vgg16.\($0.rawValue)").path }
  }

  /// Writes a VGG16 with random weights in every format that can be converted again.
  static func makeFiles(in folder: URL) throws {
    let path = { (name: String) in folder.appendingPathComponent(name).path }
    let graph = try VGG.vgg16.graph(input: InputShape(224, 224), head: .imageNet)
    let card = ModelCard(architecture: "vgg16", variant: "random weights", preprocessing: .caffe)
    try ZooWriter(document: ZooDocument(graph: graph, card: card), storage: .f32)
      .write(to: path("vgg16.zoo"), overwrite: false, weights: RandomWeights(seed: 1))
    for format in ExportFormat.readable {
      _ = try Exporter(path: path("vgg16.zoo"), output: path("vgg16.\(format.rawValue)")).export(
        overwrite: false)
    }
  }

  private static func time(_ input: String, in folder: URL, python: String?) throws {
    let zoo = environment("ZOO") ?? besideThis("zoo")
    let copy = folder.appendingPathComponent("copy").path
    var runs: [String: [ChildRun]] = [:]
    func run(_ name: String, _ arguments: [String]) throws {
      // Neither replacing a file nor what is still to be written to the disk belongs to what is timed.
      unlink(copy)
      sync()
      let run = ChildRun(arguments)
      guard run.succeeded else { throw Failure(command: arguments) }
      runs[name, default: []].append(run)
    }
    for _ in 0..<rounds {
      try run("cp", ["cp", input, copy])
      try run("cp, sync", ["sh", "-c", "cp \"$0\" \"$1\" && sync \"$1\"", input, copy])
      try run("zoo", [zoo, "convert", input, "-o", copy, "--no-verify", "--quiet"])
      if let python, input.hasSuffix(".h5") { try run("python", [python, "-c", script, input, copy]) }
    }
    let largest =
      try WeightFiles.open(path: input).tensors.map { $0.shape.elementCount * $0.elementType.byteCount }
      .max() ?? 0
    let size = try MappedFile(path: input).bytes.count
    func median(_ name: String, _ value: (ChildRun) -> Double) -> Double? {
      runs[name].map { $0.map(value).sorted()[$0.count / 2] }
    }
    let copying = median("cp", \.milliseconds) ?? 0
    let syncing = median("cp, sync", \.milliseconds) ?? 0
    let converting = median("zoo", \.milliseconds) ?? 0
    let columns: [String] = [
      URL(fileURLWithPath: input).lastPathComponent, mebibytes(Double(size)), mebibytes(Double(largest)),
      rounded(copying), rounded(syncing), rounded(converting), ratio(converting / copying),
      ratio(converting / syncing), mebibytes(median("zoo") { Double($0.peakBytes) } ?? 0),
      median("python", \.milliseconds).map(rounded) ?? "",
      median("python") { Double($0.peakBytes) }.map(mebibytes) ?? "",
    ]
    print("| " + columns.joined(separator: " | ") + " |")
  }

  /// Reads every dataset with h5py and writes them all with safetensors, as a Python user would.
  private static let script = """
    import sys, h5py
    from safetensors.numpy import save_file
    tensors = {}
    with h5py.File(sys.argv[1]) as file:
        file.visititems(lambda name, item: tensors.update({name: item[()]})
                        if isinstance(item, h5py.Dataset) else None)
    save_file(tensors, sys.argv[2])
    """

  private static func mebibytes(_ count: Double) -> String { rounded(count / 0x1p20) }
  private static func rounded(_ value: Double) -> String { String(Int(value.rounded())) }
  private static func ratio(_ value: Double) -> String { String((value * 10).rounded() / 10) }
}
