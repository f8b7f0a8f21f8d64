#if Pull
  import ModelZooTools
  import Synchronization
  import ZooFetch
  import ZooSystem

  /// Shows what a download is doing: on a bar, and in a line each what a person should know without one.
  final class PullProgress: Sendable {
    private struct State {
      var name = ""
      /// The bytes that were here before.
      var start = 0
    }

    private let bar: ProgressBar
    private let isQuiet: Bool
    private let state = Mutex(State())

    init(bar: ProgressBar, quiet: Bool) {
      self.bar = bar
      isQuiet = quiet
    }

    func show(_ progress: FetchProgress) {
      switch progress {
      case .began(let name):
        state.withLock { $0 = State(name: name) }
        bar.show("looking for \(name)")
      case .waiting(let name):
        note("waiting for another zoo pull of \(name)")
        bar.show("waiting for another zoo pull of the same file")
      case .hashing(let done, let total):
        bar.show("checking what is here", done: done, total: total, format: byteSize)
      case .resumed(let bytes):
        state.withLock { $0.start = bytes }
        note("going on after the \(byteSize(bytes)) that are here")
      case .startedOver(let reason):
        state.withLock { $0.start = 0 }
        note("starting over: \(reason)")
      case .received(let bytes, let total):
        let now = state.withLock { $0 }
        bar.showDownload("downloading \(now.name)", start: now.start, done: bytes, total: total)
      case .retrying(let attempt, let seconds, let reason):
        note("\(reason); attempt \(attempt) in \(decimal(seconds, 1)) s")
      }
    }

    private func note(_ text: String) {
      if !isQuiet { Terminal.note(text) }
    }
  }
#endif
