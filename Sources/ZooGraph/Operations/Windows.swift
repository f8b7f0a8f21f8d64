/// Rows and columns of a window, a stride or a dilation.
public struct Extent2D: Hashable, Sendable {
  /// In pixels.
  public var height: Int
  /// In pixels.
  public var width: Int

  /// Height and width, in pixels.
  public init(_ height: Int, _ width: Int) {
    self.height = height
    self.width = width
  }

  /// The same extent both ways.
  public init(_ side: Int) { self.init(side, side) }

  package static let one = Extent2D(1)
}

/// Amounts at the four edges of an image, in pixels.
package struct Edges: Hashable, Sendable {
  package var top: Int
  package var bottom: Int
  package var left: Int
  package var right: Int

  /// In the order in which Keras writes `((top, bottom), (left, right))`.
  package init(top: Int, bottom: Int, left: Int, right: Int) {
    self.top = top
    self.bottom = bottom
    self.left = left
    self.right = right
  }

  /// The same amount at every edge.
  package init(all amount: Int) { self.init(top: amount, bottom: amount, left: amount, right: amount) }

  package static let none = Edges(all: 0)
}

/// How a window meets the border of the image.
package enum Padding: Hashable, Sendable {
  /// Only whole windows inside the image.
  case valid
  /// ceil(size / stride) outputs; the odd pixel of padding is at the bottom and right (TensorFlow's rule).
  case same
  /// Stated amounts of padding: zeros for convolutions, nothing (ignored) for pooling.
  case explicit(Edges)
}

extension Padding {
  /// The padding in pixels for an image of `height` x `width`.
  ///
  /// `same` follows TensorFlow: ceil(size / stride) outputs, the odd pixel at the bottom and right.
  package func edges(
    height: Int, width: Int, window: Extent2D, strides: Extent2D, dilation: Extent2D
  ) -> Edges {
    switch self {
    case .valid: return .none
    case .explicit(let edges): return edges
    case .same:
      func total(_ size: Int, _ window: Int, _ stride: Int, _ dilation: Int) -> Int {
        let outputs = (size + stride - 1) / stride
        return max(0, (outputs - 1) * stride + (window - 1) * dilation + 1 - size)
      }
      let rows = total(height, window.height, strides.height, dilation.height)
      let columns = total(width, window.width, strides.width, dilation.width)
      return Edges(top: rows / 2, bottom: rows - rows / 2, left: columns / 2, right: columns - columns / 2)
    }
  }
}
