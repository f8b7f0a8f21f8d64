import Testing
import ZooConversion
import ZooTestSupport
import ZooVerification

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
