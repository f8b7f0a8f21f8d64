import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooRuntime
import ZooSystem
import ZooTensor
import ZooTestSupport
import ZooVerification
import ZooWeightFiles

/// Weights that a model keeps with other axes than the graph has.
@Suite struct StoredAxesTests {
  /// Equations over several axes, and norms of two: the file computes what Keras recorded, and the report says
  /// what became of the axes.
  @Test func axesAreJoinedAndMoved() throws {
    try withFolder { folder in
      var options = Converter.Options()
      options.verifier.ioPath = fixture("layers/equations.keras.io.npz")
      let output = folder.appending(path: "equations.zoo").path
      let report = try Converter(options: options).convert(fixture("layers/equations.keras"), to: output)
      let check = try #require(report.verification).check("recorded inputs and outputs")
      #expect(check.status == .passed, "\(check.detail)")
      let changed = report.tensors.filter { $0.transform.contains("axes in the order of the equation") }
      #expect(changed.count >= 4, "\(report.tensors.map(\.transform))")
    }
  }
}

/// Models that leave the size of their images open.
@Suite struct OpenSizeTests {
  /// What works on pixels takes a usual size, and the report says so.
  @Test func pixelsTakeAUsualSize() throws {
    try withFolder { folder in
      let output = folder.appending(path: "a.zoo").path
      let report = try Converter().convert(fixture("layers/any_size_pixels.keras"), to: output)
      #expect(report.explanation.contains("224x224 is taken"), "\(report.explanation)")
      #expect(try ZooFile(path: output).document.graph.nodes[0].shape == [224, 224, 3])
      var options = Converter.Options()
      options.recipe.inputSize = Extent2D(32, 48)
      options.overwrite = true
      let stated = try Converter(options: options).convert(
        fixture("layers/any_size_pixels.keras"), to: output)
      #expect(!stated.explanation.contains("open"))
      #expect(try ZooFile(path: output).document.graph.nodes[0].shape == [32, 48, 3])
    }
  }

  /// Recorded inputs say the size, too.
  @Test func recordedInputsHaveTheSize() throws {
    try withFolder { folder in
      let path = fixture("layers/any_size_pixels.keras")
      let (output, io) = (folder.appending(path: "a.zoo").path, folder.appending(path: "io.npz").path)
      var options = Converter.Options()
      options.recipe.inputSize = Extent2D(20, 28)
      _ = try Converter(options: options).convert(path, to: output)
      let file = try ZooFile(path: output)
      let x = Tensor(shape: [1, 20, 28, 3], values: (0..<1680).map { Float($0 % 256) })
      let engine = try Engine(
        graph: file.document.graph, weights: file, options: PlanOptions(threads: 1))
      let y = try engine.makeSession().run([x])[0]
      try NumPyFile.write(to: io, overwrite: false) { writer throws(ZooError) in
        try writer.add("x", x)
        try writer.add("y", y)
      }
      options.recipe.inputSize = nil
      options.verifier.ioPath = io
      options.overwrite = true
      let report = try Converter(options: options).convert(path, to: output)
      #expect(report.explanation.contains("input size 20x28, as in"), "\(report.explanation)")
      #expect(try ZooFile(path: output).document.graph.nodes[0].shape == [20, 28, 3])
      #expect(try report.outputBytes == MappedFile(path: output).bytes.count)
    }
  }

  /// What has learned from whole images asks.
  @Test func aJudgeAsks() throws {
    try withFolder { folder in
      let error = #expect(throws: ZooError.self) {
        try Converter().convert(
          fixture("layers/any_size_judge.keras"), to: folder.appending(path: "a.zoo").path)
      }
      #expect(error?.code == .openInputSize)
      #expect(error?.remedy?.contains("--input-size") == true)
    }
  }
}
