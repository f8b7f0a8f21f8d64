import ZooGraph
import ZooSystem
import ZooWeightFiles

/// The calls of a functional model's layers, and what has come of them.
struct FunctionalRun {
  struct Key: Hashable {
    let layer: String
    let call: Int

    init(_ layer: String, _ call: Int) {
      self.layer = layer
      self.call = call
    }
  }

  struct Unit {
    let layer: KerasLayer
    let key: Key
    let call: KerasCall
    let ordinal: Int
  }

  private(set) var calls: [Unit] = []
  var values: [Key: [Value]] = [:]
  private var layers: [String: (isModel: Bool, calls: Int)] = [:]

  init(_ model: KerasModel) throws(ZooError) {
    var counts: [String: Int] = [:]
    for layer in model.layers {
      guard layers[layer.name] == nil else { throw malformed(layer.name, "two layers have this name") }
      let ordinal = counts[layer.storeName, default: 0]
      counts[layer.storeName] = ordinal + 1
      let calls = try layer.calls()
      layers[layer.name] = (layer.isModel, calls.count)
      for (index, call) in calls.enumerated() {
        self.calls.append(Unit(layer: layer, key: Key(layer.name, index), call: call, ordinal: ordinal))
      }
    }
  }

  /// Lets the calls of these layers come first, in this order.
  mutating func moveToFront(_ names: [String]) {
    let first = names.flatMap { name in calls.filter { $0.key.layer == name } }
    let others = calls.filter { !names.contains($0.key.layer) }
    if first.count + others.count == calls.count { calls = first + others }
  }

  /// The call that `reference` means.
  private func key(_ reference: KerasReference, for reader: String) throws(ZooError) -> Key {
    guard let layer = layers[reference.layer] else {
      throw malformed(reader, "it reads '\(reference.layer)', which does not exist")
    }
    guard let index = reference.index(among: layer.calls, isModel: layer.isModel) else {
      throw malformed(
        reader,
        "it reads call \(reference.call) of '\(reference.layer)', which is called \(layer.calls) times")
    }
    return Key(reference.layer, index)
  }

  /// The first input of `unit` that has no value yet.
  func firstMissing(of unit: Unit) throws(ZooError) -> Key? {
    for reference in unit.call.references {
      let key = try key(reference, for: unit.layer.name)
      if values[key] == nil { return key }
    }
    return nil
  }

  func resolve(_ reference: KerasReference, for reader: String) throws(ZooError) -> Value {
    guard let outputs = values[try key(reference, for: reader)] else {
      throw malformed(reader, "it reads '\(reference.layer)', which is never computed")
    }
    guard reference.output < outputs.count else {
      throw malformed(
        reader, "it reads output \(reference.output) of '\(reference.layer)', which has \(outputs.count)")
    }
    return outputs[reference.output]
  }
}
