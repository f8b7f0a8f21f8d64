import ZooConversion
import ZooSystem

// Conversions take seconds: here they run on a thread that no task needs.

extension Converter {
  /// What a conversion tells while it runs, and what it did.
  public enum Event: Sendable {
    /// What happens.
    case progress(Progress)
    /// It is done, and the output is there. The last event.
    case finished(ConversionReport)
  }

  /// Converts the file at `input` as ``convert(_:to:progress:)`` does, on a thread that no task needs.
  ///
  /// - Parameters:
  ///   - input: a weight file or a `.zoo` file, recognised by its content.
  ///   - output: where to write the `.zoo` file.
  ///   - progress: is told what happens, on that thread.
  /// - Throws: `ZooError`, with the code `ZooError.Code.cancelled` where the task is cancelled; then nothing is written.
  public func computeConversion(
    of input: String, to output: String, progress: @escaping @Sendable (Progress) -> Void = { _ in }
  ) async throws(ZooError) -> ConversionReport {
    let converter = self
    return try await Gate(limit: 1).run { try converter.convert(input, to: output, progress: progress) }
  }

  /// Converts the file at `input`, and tells what happens as an asynchronous sequence.
  ///
  ///     for try await event in Converter().events(converting: "resnet50.h5", to: "resnet50.zoo") {
  ///       switch event {
  ///       case .progress(.writing(let done, let total)): print("\(done * 100 / total) %")
  ///       case .progress(.phase(let name)): print(name)
  ///       case .progress(.verifying): break
  ///       case .finished(let report): print(report.architecture)
  ///       }
  ///     }
  ///
  /// The conversion runs whether or not the loop keeps up, which then misses some of the progress. Where the loop
  /// ends early or its task is cancelled, the conversion ends too, and nothing is written.
  ///
  /// - Parameters:
  ///   - input: a weight file or a `.zoo` file, recognised by its content.
  ///   - output: where to write the `.zoo` file.
  public func events(converting input: String, to output: String) -> AsyncThrowingStream<Event, any Error> {
    .events(
      of: { try await computeConversion(of: input, to: output, progress: $0) },
      progress: Event.progress, finished: Event.finished)
  }
}
