import Testing
import ZooConversion
import ZooFormat
import ZooGraph
import ZooSystem
import ZooTestSupport

/// What a file says for training goes where its weights go.
@Suite struct LayerTrainingTests {
  private func converted(_ path: String) throws -> ZooDocument {
    try withFolder { folder in
      let (first, second) = (folder.appending(path: "a.zoo").path, folder.appending(path: "b.zoo").path)
      _ = try Converter(options: Converter.Options()).convert(fixture(path), to: first)
      _ = try Converter(options: Converter.Options()).convert(first, to: second)
      let document = try ZooFile(path: first).document
      #expect(try ZooFile(path: second).document.layerTraining == document.layerTraining)
      return document
    }
  }

  @Test(arguments: ["finetuned.keras", "finetuned.k2.h5"])
  func frozenLayersStayFrozen(name: String) throws {
    let document = try converted("dialects/\(name)")
    let frozen = document.graph.nodes.filter { document.layerTraining[$0.name]?.isFrozen == true }
    #expect(frozen.count == 6)
    let norms = frozen.count {
      if case .batchNormalization = $0.operation { true } else { false }
    }
    #expect(norms == 3)
    // Where Keras keeps the weights says the same.
    for place in document.kerasPlaces {
      let name = document.graph.nodes[place.node].name
      #expect(place.isTrainable == (document.layerTraining[name]?.isFrozen != true), "\(name)")
    }
  }

  @Test func aPartlyFrozenNetworkKeepsBothParts() throws {
    let document = try converted("dialects/finetuned-mobilenet.h5")
    let weighted = document.graph.nodes.filter { $0.sharing == nil && !$0.weights.isEmpty }
    #expect(weighted.count { document.layerTraining[$0.name]?.isFrozen == true } == 50)
    #expect(weighted.count > 50)
  }

  /// A whole model for Keras says it again.
  @Test(arguments: ["dialects/finetuned.keras", "dialects/finetuned-mobilenet.h5", "models/nasnet-32.keras"])
  func anExportedModelSaysTheSame(path: String) throws {
    try withFolder { folder in
      func file(_ name: String) -> String { folder.appending(path: name).path }
      var options = Converter.Options()
      options.verify = false
      _ = try Converter(options: options).convert(fixture(path), to: file("a.zoo"))
      _ = try Exporter(path: file("a.zoo"), output: file("a.hdf5")).export(overwrite: false)
      _ = try Converter(options: options).convert(file("a.hdf5"), to: file("b.zoo"))
      let (first, second) = (try ZooFile(path: file("a.zoo")), try ZooFile(path: file("b.zoo")))
      #expect(!first.document.layerTraining.isEmpty)
      #expect(first.document.layerTraining == second.document.layerTraining)
      let checksums = { (file: ZooFile) in
        Dictionary(uniqueKeysWithValues: file.tensors.map { ($0.name, $0.checksum) })
      }
      #expect(checksums(first) == checksums(second))
    }
  }

  @Test func weightsAloneSayNothing() throws {
    #expect(try converted("models/mobilenet.k2w.h5").layerTraining.isEmpty)
  }

  @Test func wholeModelsSayHowTheyWereTrained() throws {
    let document = try converted("models/nasnet-32.keras")
    let norms = document.graph.nodes.filter {
      if case .batchNormalization = $0.operation { true } else { false }
    }
    #expect(!norms.isEmpty)
    for norm in norms { #expect(document.layerTraining[norm.name]?.momentum == 0.9997) }
  }
}
