import ModelZooTools
import Testing
import ZooTestSupport

/// Users of one model hold its weights once.
@Suite struct SharedWeightsTests {
  /// A network whose weights have to be packed.
  private func model() throws -> Model {
    try Model(converting: ModelZooTests.weights)
  }

  private func input(_ model: Model) -> Tensor {
    let generator = CounterGenerator(name: "input")
    let shape = Shape([2] + model.inputShape.dimensions)
    return Tensor(shape: shape, values: generator.values(count: shape.elementCount))
  }

  @Test func usersOfAModelHoldItsWeightsOnce() throws {
    let model = try model()
    #expect(model.preparedBytes == 0)
    let first = try Classifier(model: model)
    let once = model.preparedBytes
    #expect(once > model.parameterCount * 4 * 6 / 10)
    let copy = model
    let second = try Classifier(model: copy)
    #expect(model.preparedBytes == once && copy.preparedBytes == once)
    let backbone = try Backbone(model: model, pooling: .average)
    let network = try Network(model: model, layers: ["conv_pw_5_relu"])
    // Fused in another way where an inner layer is looked at: that may cost a few weights more, no second copy.
    #expect(model.preparedBytes < once + once / 4)
    let (input, other) = (input(model), try self.model())
    #expect(other.preparedBytes == 0)
    // The same bits as of a model that nobody shares.
    let alone = try Classifier(model: other).values(preprocessed: input)
    #expect(try first.values(preprocessed: input) == alone)
    #expect(try second.values(preprocessed: input) == alone)
    #expect(try network.run([input]).outputs[0].tensor == alone)
    #expect(
      try backbone.features(preprocessed: input)
        == Backbone(model: self.model(), pooling: .average).features(preprocessed: input))
  }

  @Test func theLastUserReleasesThem() throws {
    let model = try model()
    var first: Classifier? = try Classifier(model: model)
    let once = model.preparedBytes
    var second: Backbone? = try Backbone(model: model)
    #expect(first != nil && second != nil)
    first = nil
    #expect(model.preparedBytes >= once)
    second = nil
    #expect(model.preparedBytes == 0)
    // And they can be prepared again.
    first = try Classifier(model: model)
    #expect(model.preparedBytes == once)
  }

  @Test func anInnerLayerNeedsNoWeightsBehindIt() throws {
    let model = try model()
    let stem = try Backbone(model: model, layer: "conv_pw_2_relu")
    #expect(model.preparedBytes < model.parameterCount * 4 / 10)
    #expect(stem.featureShape == [8, 8, 32])
  }

  @Test func userOfASingleExampleHoldsNone() throws {
    let model = try model()
    let classifier = try Classifier(model: model, pictureCount: 1)
    #expect(model.preparedBytes == 0)
    let input = input(model)
    #expect(
      try classifier.values(preprocessed: input)
        == Classifier(model: self.model()).values(preprocessed: input))
  }

  @Test func tasksPrepareTogether() async throws {
    let model = try model()
    let input = input(model)
    let expected = try Classifier(model: model).values(preprocessed: input)
    try await withThrowingTaskGroup(of: Tensor.self) { group in
      for _ in 0..<8 {
        group.addTask {
          let classifier = try Classifier(model: model)
          return try classifier.values(preprocessed: input)
        }
      }
      for try await values in group { #expect(values == expected) }
    }
    #expect(model.preparedBytes == 0)
  }

  @Test func kernelsOfEachInstructionSetPackForThemselves() throws {
    let model = try model()
    let input = input(model)
    var users: [Classifier] = []
    for kernels in Model.availableKernels {
      let user = try Classifier(model: model, options: RunOptions(kernels: kernels))
      let alone = try Classifier(model: self.model(), options: RunOptions(kernels: kernels))
      #expect(try user.values(preprocessed: input) == alone.values(preprocessed: input), "\(kernels)")
      users.append(user)
    }
    let error = try #require(throws: ZooError.self) {
      try Classifier(model: model, options: RunOptions(kernels: "mmx"))
    }
    #expect(error.code == .invalidArgument && error.location == "the options")
  }
}
