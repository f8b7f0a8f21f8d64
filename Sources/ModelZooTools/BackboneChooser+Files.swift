import ModelZoo
import ZooConversion
import ZooData
import ZooSystem
import ZooTraining

extension BackboneChooser {
  /// Opens backbones to compare.
  ///
  /// Pictures are brought to the size of each one as it was trained, where its file says how.
  ///
  /// - Parameters:
  ///   - paths: `.zoo` files whose networks take pictures.
  ///   - options: how they are compared.
  /// - Throws: `ZooError` where a file can't be used.
  public init(backbones paths: [String], options: Options = Options()) throws(ZooError) {
    let backbones = try ZooError.wrap {
      try paths.map { path in
        let file = try ModelFile.openZoo(path: path)
        let model = Model(file: file)
        return Backbone(file: file, fitting: model.fitting, isUpright: model.expectsUprightPictures)
      }
    }
    self.init(backbones: backbones, options: options)
  }
}

// Comparing takes seconds to minutes: here it runs on a thread that no task needs.

extension BackboneChooser {
  /// What a comparison tells while it runs, and what it found.
  public enum Event: Sendable {
    /// What happens.
    case progress(Progress)
    /// It is done. The last event.
    case finished(BackboneChoice)
  }

  /// Compares as ``choose(for:named:progress:)`` does, on a thread that no task needs.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what the result calls the data.
  ///   - progress: is told what happens, on that thread.
  /// - Throws: `ZooError`, with the code `ZooError.Code.cancelled` where the task is cancelled; what was computed of
  ///   pictures stays in the cache.
  public func computeChoice(
    for dataset: ImageDataset, named name: String, progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) async throws(ZooError) -> BackboneChoice {
    let chooser = self
    return try await Gate(limit: 1).run { try chooser.choose(for: dataset, named: name, progress: progress) }
  }

  /// Compares, and tells what happens as an asynchronous sequence.
  ///
  /// Where the loop ends early or its task is cancelled, the comparison ends too.
  ///
  /// - Parameters:
  ///   - dataset: labelled pictures.
  ///   - name: what the result calls the data.
  public func events(
    choosingFor dataset: ImageDataset, named name: String
  ) -> AsyncThrowingStream<Event, any Error> {
    .events(
      of: { try await computeChoice(for: dataset, named: name, progress: $0) },
      progress: Event.progress, finished: Event.finished)
  }
}
