/// How pixels (RGB, 0…255) become what enters the network. The names of the first three are Keras'.
public enum Preprocessing: String, Sendable, Hashable, CaseIterable {
  /// RGB to BGR, minus the ImageNet means 103.939, 116.779, 123.68 (of B, G, R).
  case caffe
  /// x / 127.5 - 1.
  case tf
  /// x / 255, minus 0.485, 0.456, 0.406, over 0.229, 0.224, 0.225 (of R, G, B).
  case torch
  /// As `caffe`, but without exchanging channels: RGB, minus 123.68, 116.779, 103.939.
  case caffeRGB = "caffe-rgb"
  /// As `torch`, but in the order BGR.
  case torchBGR = "torch-bgr"
  /// x / 255.
  case unit
  /// The pixels as they are, which the network itself scales where it has to.
  case none
  /// Nothing says it: the pixels as they are, for want of knowledge.
  case unknown

  /// Those that a person can state.
  public static var statable: [Preprocessing] { allCases.filter { $0 != .unknown } }

  /// Those that statistics can tell apart: an exchange of red and blue hardly shows in them.
  package static let distinguishable: [Preprocessing] = [.caffe, .tf, .torch, .unit, .none]

  /// Whether it is defined for pictures of one channel: the others have a mean for each of three.
  package var takesGrey: Bool {
    switch self {
    case .tf, .unit, .none, .unknown: true
    case .caffe, .torch, .caffeRGB, .torchBGR: false
    }
  }
}
