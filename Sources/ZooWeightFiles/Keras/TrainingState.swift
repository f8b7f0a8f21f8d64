/// What training leaves in a file beside the weights, as ``WeightFile/ignored`` names it.
package enum TrainingState {
  static let optimizer = "the optimizer's state"
  static let metrics = "metrics, which are state of training"
  static let generator = "the state of a random generator"
  /// How many pictures or steps there were.
  package static let counter = "a counter of training"

  /// The reasons for leaving something out that everyone expects.
  package static let reasons: Set<String> = [optimizer, metrics, generator, counter]
}
