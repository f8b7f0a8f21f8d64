import ZooGraph
import ZooTensor
import ZooWeightFiles

/// The layers of a Keras model as its weight files have them.
struct KerasModelLayout {
  /// A tensor that is exported, and where it goes.
  typealias Tensor = (slot: WeightSlot, elementType: ElementType)

  private struct Layer {
    /// The graph's name for it.
    let name: String
    let place: KerasPlace
    let weights: [WeightSlot]

    /// The weight's name among those of the outermost model or layer that it is in.
    func path(_ slot: WeightSlot) -> String {
      let inner = place.steps.count > 1 ? place.steps.dropFirst() : place.steps[...]
      return inner.map(\.name).joined(separator: "/") + "/\(slot.role.rawValue):0"
    }
  }

  /// In the order of `model.layers`, those of a nested model in its place.
  private let layers: [Layer]

  /// - Parameter places: where the model keeps its weights; empty where it has the graph's layers.
  init(graph: Graph, places: [KerasPlace]) {
    let places = places.isEmpty ? graph.kerasLayerPlaces : places
    layers = places.map {
      let node = graph.nodes[$0.node]
      return Layer(name: node.name, place: $0, weights: node.weights)
    }
  }

  /// Keras 3's store.
  func store(_ tensors: [Tensor]) -> HDF5Contents {
    var contents = HDF5Contents()
    var groups: [String: String] = [:]
    for layer in layers {
      let group = "\(layer.place.storePath)/vars"
      groups[layer.name] = group
      contents.groups.append((group, [("name", .text(layer.place.steps.last?.name ?? layer.name))]))
    }
    var counts: [String: Int] = [:]
    for tensor in tensors {
      let layer = tensor.slot.layer
      let index = counts[layer, default: 0]
      counts[layer] = index + 1
      contents.datasets.append(
        .init(
          path: "\(groups[layer] ?? layer)/\(index)", shape: tensor.slot.shape,
          elementType: tensor.elementType))
    }
    return contents
  }

  /// A whole model in the layout of Keras 2.
  func legacyModel(_ tensors: [Tensor], configuration: String) -> HDF5Contents {
    let inner = legacy(tensors)
    var contents = HDF5Contents()
    let model = "model_weights"
    contents.groups = inner.groups.map { path, attributes in
      (path.isEmpty ? model : "\(model)/\(path)", attributes)
    }
    let root: [(name: String, value: HDF5Contents.Attribute)] = [
      ("backend", .text("tensorflow")), ("keras_version", .text(Self.version)),
      ("model_config", .document(configuration)),
    ]
    contents.groups.insert(("", root), at: 0)
    contents.datasets = inner.datasets.map {
      .init(path: "\(model)/\($0.path)", shape: $0.shape, elementType: $0.elementType)
    }
    return contents
  }

  /// The last version of Keras 2: whose layout this is.
  private static let version = "2.15.0"

  /// The layout of Keras 2, which finds weights by the order of the layers and of their weights.
  func legacy(_ tensors: [Tensor]) -> HDF5Contents {
    var contents = HDF5Contents()
    var names: [String] = []
    var members: [String: [Layer]] = [:]
    for layer in layers {
      let name = layer.place.steps.first?.name ?? layer.name
      if members[name] == nil { names.append(name) }
      members[name, default: []].append(layer)
    }
    contents.groups = [
      (
        "",
        [
          ("layer_names", .names(names)), ("backend", .text("tensorflow")),
          ("keras_version", .text(Self.version)),
        ]
      )
    ]
    var paths: [WeightSlot: String] = [:]
    for name in names {
      // Of a model inside the model, all that is trained comes before all that is not.
      let weights = (members[name] ?? []).flatMap { layer in
        layer.weights.map {
          (path: layer.path($0), slot: $0, isTrained: layer.place.isTrainable && $0.role.isTrainable)
        }
      }
      let isLayer = members[name]?.count == 1 && members[name]?.first?.place.steps.count == 1
      let ordered = isLayer ? weights : weights.filter(\.isTrained) + weights.filter { !$0.isTrained }
      contents.groups.append((name, [("weight_names", .names(ordered.map(\.path)))]))
      for weight in weights { paths[weight.slot] = "\(name)/\(weight.path)" }
    }
    contents.datasets = tensors.map {
      .init(path: paths[$0.slot] ?? $0.slot.name, shape: $0.slot.shape, elementType: $0.elementType)
    }
    return contents
  }
}
