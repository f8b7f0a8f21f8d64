import ZooSystem
import ZooTensor
import ZooWeightFiles

/// How a file stores kernels, and the rows of the dense kernel behind a Flatten.
///
/// Keras on TensorFlow stores (height, width, in, out) of cross-correlations. Theano computes true
/// convolutions, whose kernels are rotated by 180°, and Keras 0 and 1 stored them as (out, in, height,
/// width) where images were (channels, height, width); a Flatten then reads one channel after another.
public struct KernelLayout: Sendable, Hashable {
  package var axesAreChannelsFirst = false
  package var isRotated = false
  package var rowsAreChannelsFirst = false
  /// Whether matrices are (out, in) and depthwise kernels (channels * multiplier, 1, height, width).
  package var matricesAreTransposed = false
  /// What it was concluded from, for the report; nil for the usual order.
  package var reason: String?

  package static let tensorFlow = KernelLayout()
  /// PyTorch's: cross-correlations, everything with the outputs first.
  package static let pyTorch: KernelLayout = {
    var layout = KernelLayout(channelsFirst: true, isRotated: false, reason: "PyTorch's names")
    layout.rowsAreChannelsFirst = false
    layout.matricesAreTransposed = true
    return layout
  }()

  /// What a person may state.
  public enum Named: String, Sendable, CaseIterable {
    /// (height, width, in, out), not rotated.
    case tensorflow
    /// Rotated by 180°; (out, in, height, width) unless the shapes say otherwise.
    case theano
    /// (out, in, height, width), not rotated.
    case caffe
  }

  /// For people.
  package var text: String {
    (axesAreChannelsFirst ? "(out, in, height, width)" : "(height, width, in, out)")
      + (isRotated ? ", rotated by 180°" : "")
  }
}

extension KernelLayout {
  /// The layout that the tensors of `file` have.
  ///
  /// Shapes say where the channels are, since windows are square and few. Whether kernels are rotated is
  /// said by the attribute `backend`, by the name under which the file was published (`…_th_kernels…`), or
  /// by a person; channels in front are Theano's in files of Keras 0 and 1.
  ///
  /// - Throws: where nothing says it.
  package init(of file: some WeightFile, stated: Named?) throws(ZooError) {
    let clues = Clues(in: file)
    switch stated {
    case .tensorflow: self = .tensorFlow
    case .caffe: self.init(channelsFirst: true, isRotated: false, reason: "as stated")
    case .theano:
      self.init(
        channelsFirst: try clues.channelsAreFirst(whereOpen: true), isRotated: true, reason: "as stated")
    case nil:
      let channelsFirst = try clues.channelsAreFirst(whereOpen: nil)
      let (attribute, name) = ("attribute backend", "the file's name")
      if clues.isTheanos {
        self.init(
          channelsFirst: channelsFirst, isRotated: true, reason: file.backend == "theano" ? attribute : name)
      } else if !channelsFirst {
        self = .tensorFlow
      } else if clues.isOtherBackends {
        self.init(
          channelsFirst: true, isRotated: false,
          reason: "the shapes and \(file.backend != nil ? attribute : name)")
      } else if clues.isOlder {
        self.init(channelsFirst: true, isRotated: true, reason: "the shapes, in a file of Keras 0 or 1")
      } else {
        throw ZooError(
          .ambiguous, what: "ambiguous kernels", at: file.path,
          "their shapes are (out, in, height, width); Theano rotates such kernels by 180°, other programs do not",
          remedy: "Set RecipeOptions.kernelLayout to theano or caffe.")
      }
    }
  }

  private init(channelsFirst: Bool, isRotated: Bool, reason: String) {
    axesAreChannelsFirst = channelsFirst
    self.isRotated = isRotated
    rowsAreChannelsFirst = channelsFirst
    self.reason = reason
  }

  /// The shape in the usual order of axes, for finding the architecture.
  func usualShape(_ shape: Shape) -> Shape {
    guard axesAreChannelsFirst, shape.rank == 4 else { return shape }
    return Shape([2, 3, 1, 0].map { shape[$0] })
  }
}

/// What a file says about its kernels.
private struct Clues {
  let path: String
  /// Whether Keras 0 or 1 wrote it. Files of later versions, and NumPy's, have one order.
  let isOlder: Bool
  /// Whether the attribute or the file's name says that Theano computed with it.
  let isTheanos: Bool
  /// Whether they name another backend.
  let isOtherBackends: Bool
  let hasKernels: Bool
  /// What kernels say whose shape fits one order alone: whether channels come first.
  let votes: Set<Bool>
  /// What the file's name says of the order of dimensions.
  let nameSays: Bool?

  init(in file: some WeightFile) {
    let name = file.path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    let shapes = file.tensors.map(\.shape).filter { $0.rank == 4 && $0.elementCount > 0 }
    path = file.path
    isOlder =
      file.layout == .numberedLayers || file.writer == "keras 1"
      || file.writer?.hasPrefix("keras 1.") == true
    isTheanos = file.backend == "theano" || name.contains("th_kernels")
    isOtherBackends = file.backend != nil && file.backend != "theano" || name.contains("tf_kernels")
    hasKernels = !shapes.isEmpty
    votes = Set(shapes.compactMap(Self.channelsAreFirst))
    nameSays =
      name.contains("th_dim_ordering") ? true : name.contains("tf_dim_ordering") ? false : nil
  }

  /// Whether the axes are (out, in, height, width).
  ///
  /// - Parameter answer: the answer where all shapes fit both orders; nil where it is not known.
  /// - Throws: where an older file leaves it open.
  func channelsAreFirst(whereOpen answer: Bool?) throws(ZooError) -> Bool {
    if votes.count == 1 { return votes.contains(true) }
    if votes.isEmpty, let answer { return answer }
    if let nameSays { return nameSays }
    guard isOlder, hasKernels, votes.isEmpty, !isOtherBackends else { return false }
    throw ZooError(
      .ambiguous, what: "ambiguous kernels", at: path,
      "their shapes fit both (height, width, in, out) and (out, in, height, width), and neither an attribute "
        + "nor the file's name shows which",
      remedy: "Set RecipeOptions.kernelLayout to tensorflow, theano or caffe.")
  }

  /// The largest window that any architecture has; channels are told from windows by it.
  private static let largestWindow = 11

  /// Whether a kernel's channels come first; nil where both are possible, or neither.
  private static func channelsAreFirst(_ shape: Shape) -> Bool? {
    func isWindow(_ height: Int, _ width: Int) -> Bool { height == width && height <= largestWindow }
    let (front, back) = (isWindow(shape[0], shape[1]), isWindow(shape[2], shape[3]))
    return front == back ? nil : back
  }
}
