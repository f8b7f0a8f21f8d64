import ZooSystem
import ZooTensor
import ZooWeightFiles

/// How a file stores kernels, and the rows of the dense kernel behind a Flatten.
///
/// Keras on TensorFlow stores (height, width, in, out) of cross-correlations. Theano computes true
/// convolutions, whose kernels are rotated by 180°, and Keras 0 and 1 stored them as (out, in, height,
/// width) where images were (channels, height, width); a Flatten then reads one channel after another.
package struct KernelLayout: Sendable, Hashable {
  package var axesAreChannelsFirst = false
  package var isRotated = false
  package var rowsAreChannelsFirst = false
  /// What it was concluded from, for the report; nil for the usual order.
  package var reason: String?

  package static let tensorFlow = KernelLayout()

  /// What a person may state.
  package enum Named: String, Sendable, CaseIterable {
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
  /// The largest window that any architecture has; channels are told from windows by it.
  private static let largestWindow = 11

  /// The order that the tensors of `file` have.
  ///
  /// Shapes say where the channels are, since windows are square and few. Whether kernels are rotated is
  /// said by the attribute `backend`, by the name under which the file was published (`…_th_kernels…`), or
  /// by a person; channels in front are Theano's in files of Keras 0 and 1.
  ///
  /// - Throws: where nothing says it.
  package init(of file: some WeightFile, stated: Named?) throws(ZooError) {
    let isOlder =
      file.layout == .numberedLayers || file.writer == "keras 1"
      || file.writer?.hasPrefix("keras 1.") == true
    let names = file.path.split(separator: "/").last.map { $0.lowercased() } ?? ""
    let shapes = file.tensors.map(\.shape).filter { $0.rank == 4 && $0.elementCount > 0 }
    let votes = Set(shapes.compactMap(Self.channelsAreFirst))
    let saysTheano = file.backend == "theano" || names.contains("th_kernels")
    let saysTensorFlow =
      file.backend != nil && file.backend != "theano" || names.contains("tf_kernels")

    switch stated {
    case .tensorflow:
      self = .tensorFlow
      return
    case .caffe:
      self.init(axesAreChannelsFirst: true, isRotated: false, rowsAreChannelsFirst: true, reason: "as stated")
      return
    case .theano, nil: break
    }

    let first: Bool
    switch (votes.contains(true), votes.contains(false)) {
    case (true, false): first = true
    case (false, true): first = false
    // Files of Keras 2 and later, and NumPy's, have one order; a shape that fits both says nothing.
    default:
      if stated == .theano && votes.isEmpty {
        first = true
      } else if let named = Self.dimensionOrdering(names) {
        first = named
      } else if isOlder && !shapes.isEmpty && votes.isEmpty && !saysTensorFlow {
        throw ZooError(
          .ambiguous, what: "ambiguous kernels", at: file.path,
          "their shapes fit both (height, width, in, out) and (out, in, height, width), and neither an attribute "
            + "nor the file's name shows which",
          remedy: "Set --kernel-order to tensorflow, theano or caffe.")
      } else {
        first = false
      }
    }

    if stated == .theano || saysTheano {
      self.init(
        axesAreChannelsFirst: first, isRotated: true, rowsAreChannelsFirst: first,
        reason: stated == .theano
          ? "as stated" : file.backend == "theano" ? "attribute backend" : "the file's name")
    } else if !first {
      self = .tensorFlow
    } else if saysTensorFlow {
      self.init(
        axesAreChannelsFirst: true, isRotated: false, rowsAreChannelsFirst: true,
        reason: file.backend != nil ? "the shapes and attribute backend" : "the shapes and the file's name")
    } else if isOlder {
      self.init(
        axesAreChannelsFirst: true, isRotated: true, rowsAreChannelsFirst: true,
        reason: "the shapes, in a file of Keras 0 or 1")
    } else {
      throw ZooError(
        .ambiguous, what: "ambiguous kernels", at: file.path,
        "their shapes are (out, in, height, width); Theano rotates such kernels by 180°, other programs do not",
        remedy: "Set --kernel-order to theano or caffe.")
    }
  }

  private init(
    axesAreChannelsFirst: Bool, isRotated: Bool, rowsAreChannelsFirst: Bool, reason: String
  ) {
    self.axesAreChannelsFirst = axesAreChannelsFirst
    self.isRotated = isRotated
    self.rowsAreChannelsFirst = rowsAreChannelsFirst
    self.reason = reason
  }

  /// Whether a kernel's channels come first; nil where both are possible, or neither.
  private static func channelsAreFirst(_ shape: Shape) -> Bool? {
    func isWindow(_ height: Int, _ width: Int) -> Bool { height == width && height <= largestWindow }
    let (front, back) = (isWindow(shape[0], shape[1]), isWindow(shape[2], shape[3]))
    return front == back ? nil : back
  }

  /// What the name of a published file says of the order of dimensions.
  private static func dimensionOrdering(_ name: String) -> Bool? {
    if name.contains("th_dim_ordering") { return true }
    return name.contains("tf_dim_ordering") ? false : nil
  }

  /// The shape in the usual order of axes, for finding the architecture.
  func usualShape(_ shape: Shape) -> Shape {
    guard axesAreChannelsFirst, shape.rank == 4 else { return shape }
    return Shape([2, 3, 1, 0].map { shape[$0] })
  }
}
