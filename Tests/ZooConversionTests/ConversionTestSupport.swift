import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooModels
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooVerification
import ZooWeightFiles

/// Tensors in memory that say they come from a file: entry for entry what a reader would give.
struct MemoryFile: WeightFile {
  var path = "memory"
  var layout: WeightFileLayout
  var writer: String?
  var tensors: [TensorEntry]
  var ignored: [(name: String, reason: String)] = []
  var modelConfiguration: JSONValue?
  var values: [String: StoredTensor] = [:]

  func read(_ entry: TensorEntry) throws(ZooError) -> StoredTensor {
    guard let tensor = values[entry.name] else {
      throw ZooError(.malformed, "memory", at: entry.name, "it has no values")
    }
    return tensor
  }
}

extension VerificationReport {
  func check(_ name: String) throws -> Check {
    try #require(checks.first { $0.name == name }, "no check '\(name)'")
  }

  /// All findings, for a failed expectation.
  var text: String {
    checks.map { "\($0.name): \($0.status.rawValue) at \($0.location ?? "-"), \($0.detail)" }.joined(
      separator: "\n")
  }
}

/// A small member of each family, and files of its weights in every layout.
enum SmallNetworks {
  static let mobileNet = Variant(
    architecture: "mobilenet", definition: MobileNet(alpha: 1.0 / 32), input: InputShape(32, 32),
    head: .classifier(classes: 10, activation: .softmax))
  static let resNet = Variant(
    architecture: "resnet50", definition: ResNet.resNet50, input: InputShape(64, 64), head: .imageNet)
  static let vgg = Variant(
    architecture: "vgg16", definition: VGG.vgg16, input: InputShape(32, 32), head: .features(.none))

  enum Naming: CaseIterable {
    case named, storeWithNames, store, positional
  }

  static func entries(of graph: Graph, _ naming: Naming) -> [TensorEntry] {
    let places = Dictionary(uniqueKeysWithValues: graph.kerasLayerPlaces.map { ($0.node, $0) })
    var result: [TensorEntry] = []
    for index in graph.kerasOrder {
      let node = graph.nodes[index]
      for (variable, slot) in node.weights.enumerated() {
        let key = places[index].map {
          let className = node.operation.kerasClassName
          let number = Int($0.steps[0].group.dropFirst(className.count + 1))
          return StoreKey(container: "", className: className, ordinal: number ?? 0, variable: variable)
        }
        let entry =
          switch naming {
          case .named:
            TensorEntry(
              name: slot.name, shape: slot.shape, elementType: .float32, layer: slot.layer,
              variable: slot.role.rawValue)
          case .storeWithNames:
            TensorEntry(
              name: "s\(result.count)", shape: slot.shape, elementType: .float32, layer: slot.layer,
              storeKey: key)
          case .store:
            TensorEntry(name: "s\(result.count)", shape: slot.shape, elementType: .float32, storeKey: key)
          case .positional:
            TensorEntry(name: "arr_\(result.count)", shape: slot.shape, elementType: .float32)
          }
        result.append(entry)
      }
    }
    return result
  }

  static func layout(_ naming: Naming) -> WeightFileLayout {
    switch naming {
    case .named: .legacyWeights
    case .storeWithNames, .store: .kerasStore
    case .positional: .positionalArrays
    }
  }

  /// `conv2_block1_0_conv` is `res2a_branch1`, `conv2_block1_1_bn` is `bn2a_branch2a`.
  static func olderResNetName(_ name: String) -> String {
    switch name {
    case "conv1_conv": return "conv1"
    case "conv1_bn": return "bn_conv1"
    case "predictions": return "fc1000"
    default: break
    }
    let parts = name.split(separator: "_")
    guard parts.count == 4, let stage = parts[0].last, let block = Int(parts[1].dropFirst(5)),
      let place = Int(parts[2])
    else { return name }
    let letters = Array("abcdef")
    let branch = place == 0 ? "1" : "2\(letters[place - 1])"
    return "\(parts[3] == "bn" ? "bn" : "res")\(stage)\(letters[block - 1])_branch\(branch)"
  }
}
