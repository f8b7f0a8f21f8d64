import Testing
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// Keras 0's files, which number layers and weights.
@Suite struct NumberedLayerTests {
  @Test func layersAndWeightsAreInTheirOrder() throws {
    let file = try WeightFiles.open(path: fixture("dialects/vgg16.keras0.h5"))
    #expect(file.layout == .numberedLayers && file.writer == "keras 0")
    #expect(file.tensors.count == 32)
    #expect(file.tensors.first?.name == "layer_1/param_0")
    #expect(
      file.tensors.first?.storeKey == StoreKey(container: "", className: "layer", ordinal: 1, variable: 0))
    let places = file.tensors.compactMap { $0.storeKey.map { $0.ordinal * 10 + $0.variable } }
    #expect(places.count == 32 && places == places.sorted())
    for entry in file.tensors { #expect(try file.read(entry).floats().allSatisfy(\.isFinite)) }
  }

  @Test(arguments: [
    ("layer", "layer_1"), ("weight", "layer_0/param_1"), ("count", "nb_params"),
    ("bounds", "nb_layers is -1"),
  ])
  func whatIsPromisedMustBeThere(name: String, says: String) throws {
    let error = try #require(throws: ZooError.self) {
      try WeightFiles.open(path: fixture("dialects/keras0-\(name).h5"))
    }
    #expect(error.code == .malformed && "\(error)".contains(says), "\(error)")
  }
}
