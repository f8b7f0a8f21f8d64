import Foundation
import Testing

/// The modules of Package.swift, of docs/architecture.md and of the import lines agree.
@Suite("modules")
struct ModuleTests {
  private static let page = try? String(
    contentsOf: ZooCommand.root.appendingPathComponent("docs/architecture.md"), encoding: .utf8)

  /// A target as `swift package dump-package` describes it.
  private struct Target: Decodable, Sendable {
    let name: String
    let type: String
    let path: String?
    let dependencies: [Dependency]

    var folder: URL { ZooCommand.root.appendingPathComponent(path ?? "Sources/\(name)") }
  }

  private struct Dependency: Decodable, Sendable {
    let name: String
    let isProduct: Bool
    /// The package traits without which it is none.
    let traits: [String]

    private enum Key: String, CodingKey { case byName, target, product }
    private enum Part: Decodable {
      case name(String)
      case condition([String])
      case other

      init(from decoder: any Decoder) throws {
        struct Condition: Decodable { let traits: [String]? }
        let container = try decoder.singleValueContainer()
        if let name = try? container.decode(String.self) {
          self = .name(name)
        } else if let condition = try? container.decode(Condition.self) {
          self = .condition(condition.traits ?? [])
        } else {
          self = .other
        }
      }
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      let key = try #require(container.allKeys.first)
      isProduct = key == .product
      let parts = try container.decode([Part].self, forKey: key)
      guard case .name(let name) = parts.first else { throw CocoaError(.coderReadCorrupt) }
      self.name = name
      traits = parts.flatMap { part -> [String] in
        guard case .condition(let traits) = part else { return [] }
        return traits
      }
    }
  }

  private static func targets() throws -> [String: Target] { try dumped.get() }

  private static let dumped = Result<[String: Target], any Error> {
    struct Manifest: Decodable { let targets: [Target] }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments = [
      "swift", "package", "dump-package", "--package-path", ZooCommand.root.path,
      // The build folder is locked while tests run.
      "--scratch-path", ZooCommand.root.appendingPathComponent(".build/manifest").path,
    ]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let data = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    let targets = try JSONDecoder().decode(Manifest.self, from: data).targets
    return Dictionary(uniqueKeysWithValues: targets.map { ($0.name, $0) })
  }

  /// The lines of the page's drawing: the modules of each, from the fronts down to the ground.
  private static func lines() throws -> [[String]] {
    let page = try #require(page)
    let drawing = try #require(page.components(separatedBy: "```").dropFirst().first)
    return drawing.split(separator: "\n").map { line in
      line.split { " →,".contains($0) }.dropFirst().map(String.init)
    }
  }

  /// The rows of the page's table: each module with what it uses besides the ground.
  private static func rows() throws -> [(module: String, uses: [String])] {
    let page = try #require(page)
    return page.split(separator: "\n").compactMap { line in
      let cells = line.split(separator: "|", omittingEmptySubsequences: false)
      guard cells.count == 5 else { return nil }
      func names(_ cell: Substring) -> [String] {
        cell.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
      }
      guard let module = names(cells[1]).first else { return nil }
      return (module, names(cells[3]).filter { !["ImageFiles", "CompressedFiles", "Pull"].contains($0) })
    }
  }

  @Test func theDrawingHasEveryModuleAndOnlyArrowsDown() throws {
    let targets = try Self.targets()
    let lines = try Self.lines()
    let level = Dictionary(
      uniqueKeysWithValues: lines.enumerated().flatMap { level, names in names.map { ($0, level) } })
    let beside = ["ZooTestSupport", "zoo-fuzz", "zoo-benchmarks"]
    let modules = targets.values.filter { !["test", "system"].contains($0.type) }
      .filter { !beside.contains($0.name) && $0.path?.hasPrefix("Tests/") != true }
    #expect(Set(level.keys) == Set(modules.map(\.name)))
    let ground = try #require(lines.last)
    for module in modules {
      for dependency in module.dependencies where !dependency.isProduct {
        guard let below = level[dependency.name], let own = level[module.name] else { continue }
        let isChain =
          own == below && own == lines.count - 1
          && (ground.firstIndex(of: module.name) ?? 0) < (ground.firstIndex(of: dependency.name) ?? 0)
        // Kernels stand beside the engines that run them.
        let isOwnKernels =
          ["ZooLearning", "ZooRuntime"].contains(module.name) && dependency.name == "CZooKernels"
        #expect(below > own || isChain || isOwnKernels, "\(module.name) uses \(dependency.name)")
      }
    }
  }

  @Test func theTableHasEveryArrow() throws {
    let targets = try Self.targets()
    let ground = Set(try #require(try Self.lines().last))
    let rows = try Self.rows()
    #expect(
      Set(rows.map(\.module)).isSuperset(
        of: targets.values.filter { $0.type == "regular" }.map(\.name)
          .filter { $0.hasPrefix("Zoo") && $0 != "ZooTestSupport" }))
    for row in rows {
      guard let target = targets[row.module] else { continue }
      let uses = target.dependencies.map(\.name).filter { targets[$0] != nil && !ground.contains($0) }
        .filter { targets[$0]?.type != "system" && !$0.hasPrefix("C") }
      #expect(Set(uses) == Set(row.uses), "\(row.module)")
    }
  }

  /// SwiftPM finds a module that any other target uses; what is imported and not declared breaks in another
  /// program, and what is declared and not imported is an arrow too many.
  @Test func importsAreTheDeclaredDependencies() throws {
    let targets = try Self.targets()
    for target in targets.values where !["test", "system"].contains(target.type) {
      var imported: Set<String> = []
      let files = try #require(
        FileManager.default.enumerator(at: target.folder, includingPropertiesForKeys: nil))
      for case let file as URL in files where file.pathExtension == "swift" {
        for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
          let words = line.split(separator: " ")
          guard words.count >= 2, words[words.count - 2] == "import", words.count <= 3 else { continue }
          imported.insert(String(words[words.count - 1]))
        }
      }
      let own = imported.filter { targets[$0] != nil }
      guard !own.isEmpty else { continue }
      #expect(own == Set(target.dependencies.filter { !$0.isProduct }.map(\.name)), "\(target.name)")
    }
  }

  @Test func modelZooNeedsNoLibraryOfTheSystem() throws {
    let targets = try Self.targets()
    var pending = ["ModelZoo"]
    var reached: Set<String> = []
    while let name = pending.popLast() {
      guard reached.insert(name).inserted, let target = targets[name] else { continue }
      #expect(target.type != "system", "ModelZoo reaches \(name)")
      for dependency in target.dependencies where dependency.traits.isEmpty {
        #expect(!dependency.isProduct, "\(name) uses the package product \(dependency.name)")
        pending.append(dependency.name)
      }
    }
    #expect(reached.contains("CZooKernels"))
  }

  @Test func whatThePageNamesExists() throws {
    let page = try #require(Self.page)
    let places = page.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
      .filter { $0.contains("/") && !$0.contains("…") && !$0.contains("\n") }
    #expect(places.count >= 15)
    for place in places {
      let found = ["", "Sources/"].contains {
        FileManager.default.fileExists(atPath: ZooCommand.root.appendingPathComponent($0 + place).path)
      }
      #expect(found, "\(place)")
    }
  }
}
