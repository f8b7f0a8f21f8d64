/// What the values of a classifier's output are: the last activation decides.
public enum OutputKind: String, Sendable, Hashable, CaseIterable {
  /// A softmax: one probability per class, which sum to one.
  case classes
  /// A single sigmoid: the probability of the second of two classes.
  case twoClasses = "two-classes"
  /// Several sigmoids: each is a probability by itself, because the classes do not exclude each other.
  case independent
  /// Anything else, such as logits or a regression: values that are no probabilities.
  case values
}
