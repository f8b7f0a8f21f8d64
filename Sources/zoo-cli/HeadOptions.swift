import ArgumentParser
import ModelZooTools

/// What is trained on the features.
struct HeadOptions: ParsableArguments {
  enum Kind: String, ExpressibleByArgument, CaseIterable {
    case linear, mlp, nearest
  }

  @Option(
    help: ArgumentHelp(
      "What is trained: linear is a convex problem that is solved, and learns labels and numbers too; mlp has a hidden "
        + "layer, and its number of epochs is found by cross-validation; nearest answers with the class of the nearest "
        + "picture by the cosine of the features."))
  var head = Kind.linear

  @Option(help: ArgumentHelp("The units of the hidden layer of --head mlp; by default 128.", valueName: "n"))
  var hidden: Int?

  func validate() throws {
    guard hidden == nil || head == .mlp else { throw ValidationError("--hidden goes with --head mlp.") }
    guard (1...4096).contains(hidden ?? 1) else {
      throw ValidationError("--hidden takes a number from 1 to 4096, not \(hidden ?? 0).")
    }
  }

  var kind: HeadTrainer.HeadKind {
    switch head {
    case .linear: .linear
    case .mlp: .multilayer(units: hidden ?? 128)
    case .nearest: .nearest
    }
  }
}
