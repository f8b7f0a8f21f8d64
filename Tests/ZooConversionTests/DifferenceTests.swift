import Foundation
import Testing
import ZooConversion
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooWeightFiles

@Suite struct DifferenceTests {
  private func tensor(_ values: [Float]) -> StoredTensor {
    StoredTensor(shape: [values.count], values: values)
  }

  @Test func valuesAreCompared() {
    let same = TensorDifference(tensor([1, 2, .nan]), tensor([1, 2, .nan]))
    #expect(same.largest == 0 && same.mean == 0 && same.cosine == 1)
    let one = TensorDifference(tensor([3, 4]), tensor([4, 3]))
    #expect(one.largest == 1 && one.mean == 1 && abs(one.cosine - 24 / 25) < 1e-12)
    #expect(TensorDifference(tensor([1, 0]), tensor([-1, 0])).cosine == -1)
    #expect(TensorDifference(tensor([0, 0]), tensor([1, 0])).cosine == 0)
    #expect(TensorDifference(tensor([0, .nan]), tensor([0, 1])).largest == .infinity)
    #expect(TensorDifference(tensor([.infinity]), tensor([.infinity])).largest == 0)
    #expect(TensorDifference(tensor([]), tensor([])).largest == 0)
    let halves: [UInt16] = [0x3c00, 0xc000]
    let half = StoredTensor(shape: [2], elementType: .float16, bytes: ByteSlice(HeapBytes(halves)))
    #expect(half.map { TensorDifference($0, tensor([1, -2])).largest } == 0)
  }

  /// Longer than what is compared at a time.
  @Test func longTensorsAreComparedToTheirEnd() {
    let a = (0..<200_001).map { Float($0 % 7) }
    var b = a
    b[200_000] += 2
    b[5] += 1
    let difference = TensorDifference(tensor(a), tensor(b))
    #expect(difference.largest == 2 && abs(difference.mean - 3 / 200_001.0) < 1e-12)
  }

  /// One network in all its layouts, whatever the files call the tensors.
  @Test func layoutsOfOneNetworkAreEqual() throws {
    let layouts = ["h5", "keras", "weights.h5", "old.weights.h5", "k2.h5", "k2w.h5", "npz", "pos.npz"]
    for (a, b) in zip(layouts, layouts.dropFirst()) {
      let difference = try ModelDifference(
        fixture("models/mobilenet.\(a)"), fixture("models/mobilenet.\(b)"), tolerance: 0)
      #expect(difference.same && difference.tensors.count == 137, "\(a), \(b): \(difference.matching)")
    }
  }

  private func write(_ name: String, in folder: URL, _ tensors: [(String, Tensor)]) throws -> String {
    let path = folder.appending(path: name).path
    try NumPyFile.write(to: path, overwrite: true) { writer in
      for (name, tensor) in tensors { try writer.add(name, tensor) }
    }
    return path
  }

  @Test func whatDiffersIsNamedWorstFirst() throws {
    try withFolder { folder in
      let a = try write(
        "a.npz", in: folder,
        [
          ("c1/kernel", Tensor(shape: [1, 2], values: [1, 2])),
          ("c2/kernel", Tensor(shape: [2], values: [1, 2])),
          ("c3/kernel", Tensor(shape: [2], values: [1, 2])),
          ("c4/kernel", Tensor(shape: [2], values: [1, 2])),
          ("old", Tensor(shape: [1], values: [0])),
        ])
      let b = try write(
        "b.npz", in: folder,
        [
          ("c1/kernel", Tensor(shape: [2, 1], values: [1, 2])),
          ("c3/kernel", Tensor(shape: [2], values: [1, 2.5])),
          ("c2/kernel", Tensor(shape: [2], values: [1, 2.25])),
          ("c4/kernel", Tensor(shape: [2], values: [1, 2])),
          ("new", Tensor(shape: [1], values: [0])),
        ])
      let difference = try ModelDifference(a, b, tolerance: 1)
      #expect(!difference.same && difference.matching == .names)
      #expect(difference.tensors.map(\.name) == ["c3/kernel", "c2/kernel", "c4/kernel"])
      #expect(difference.tensors.map(\.largest) == [0.5, 0.25, 0])
      #expect(difference.shapesDiffer.map(\.name) == ["c1/kernel"])
      #expect(difference.onlyInFirst == ["old"] && difference.onlyInSecond == ["new"])
    }
  }

  @Test func theToleranceDecides() throws {
    try withFolder { folder in
      let a = try write("a.npz", in: folder, [("w", Tensor(shape: [1], values: [1]))])
      let b = try write("b.npz", in: folder, [("w", Tensor(shape: [1], values: [1.5]))])
      #expect(try ModelDifference(a, b, tolerance: 0.5).same)
      #expect(try !ModelDifference(a, b, tolerance: 0.49).same)
      #expect(try ModelDifference(a, a, tolerance: 0).same)
    }
  }

  /// A backbone is a part of its network with top.
  @Test func aBackboneIsComparedWithTheWhole() throws {
    let difference = try ModelDifference(
      fixture("models/mobilenet.weights.h5"), fixture("models/mobilenet-notop-avg.k2w.h5"), tolerance: 0)
    #expect(difference.matching == .slots && difference.tensors.count == 135)
    #expect(difference.onlyInFirst.count == 2 && difference.onlyInSecond.isEmpty)
  }

  /// A network of no catalogue, in files that call its weights differently; one has its configuration.
  @Test(arguments: [
    ("custom.h5", "custom.keras", ModelDifference.Matching.slots),
    ("custom.h5", "custom.weights.h5", .slots),
    ("custom.h5", "custom.old.weights.h5", .slots),
    ("custom.old.weights.h5", "custom.keras", .slots),
    ("custom.h5", "custom.k2w.h5", .layerOrder),
  ])
  func aNetworkOfOnesOwnIsComparedInAllLayouts(
    first: String, second: String, matching: ModelDifference.Matching
  ) throws {
    let difference = try ModelDifference(
      fixture("dialects/\(first)"), fixture("dialects/\(second)"), tolerance: 0)
    #expect(difference.same && difference.tensors.count == 16 && difference.matching == matching)
  }

  /// Without any configuration; what is in models inside the model has no order that is told.
  @Test func layersAreMatchedByNameAndTheirWeightsByOrder() throws {
    try withFolder { folder in
      let paths = ["weights.h5", "h5"].map { folder.appending(path: "m.\($0)").path }
      for path in paths {
        _ = try Exporter(path: fixture("dialects/custom.keras"), output: path).export(overwrite: false)
      }
      let difference = try ModelDifference(paths[0], paths[1], tolerance: 0)
      #expect(difference.same && difference.tensors.count == 16 && difference.matching == .layers)
    }
  }

  /// A store without names counts layers per class: between two classes there is no order.
  @Test func layersThatCouldBeEachOtherAreNamed() throws {
    let difference = try ModelDifference(
      fixture("dialects/custom.old.weights.h5"), fixture("dialects/custom.k2w.h5"), tolerance: 0)
    #expect(!difference.same && difference.matching == .layerOrder && difference.tensors.count == 12)
    #expect(difference.tensors.allSatisfy { $0.largest == 0 })
    #expect(difference.ambiguous.count == 1)
    let text = try #require(difference.ambiguous.first)
    for name in ["conv2d_1", "conv2d_transpose", "our_left", "our_right"] {
      #expect(text.contains(name), "\(text)")
    }
  }

  @Test func strangersAreAnError() {
    let error = #expect(throws: ZooError.self) {
      try ModelDifference(
        fixture("models/vgg16.pos.npz"), fixture("models/resnet.old.weights.h5"), tolerance: 0)
    }
    #expect(error?.code == .missing && error?.what == "nothing to compare")
  }
}
