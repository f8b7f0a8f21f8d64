/// The extent of a tensor along each axis, outermost first (row-major).
public struct Shape: Hashable, Sendable, CustomStringConvertible {
  /// The largest number of elements that any tensor may have: far above every real network,
  /// and low enough that a product with an element size can't overflow.
  package static let elementLimit = 1 << 40

  /// The axes' extents, none negative.
  public let dimensions: [Int]
  /// The product of all extents; 1 for a scalar.
  public let elementCount: Int

  /// A shape whose extents come from outside.
  ///
  /// Returns `nil` where an extent is negative or the product exceeds 2^40. An extent of 0 does
  /// not excuse the others: products of some axes alone are as limited.
  public init?(checking dimensions: [Int]) {
    var count = 1
    for extent in dimensions {
      guard extent >= 0 else { return nil }
      let (product, overflow) = count.multipliedReportingOverflow(by: max(1, extent))
      guard !overflow, product <= Shape.elementLimit else { return nil }
      count = product
    }
    self.dimensions = dimensions
    self.elementCount = dimensions.contains(0) ? 0 : count
  }

  /// A shape whose extents the program itself computed. Extents from outside go to ``init(checking:)``.
  ///
  /// - Precondition: no extent is negative, and their product fits an `Int`.
  public init(_ dimensions: [Int]) {
    precondition(dimensions.allSatisfy { $0 >= 0 }, "negative extent in \(dimensions)")
    self.dimensions = dimensions
    self.elementCount = dimensions.reduce(1, *)
  }

  /// The number of axes.
  public var rank: Int { dimensions.count }

  /// The extent along the axis `axis`, counted from the outermost, 0.
  ///
  /// - Precondition: `axis` is in `0..<rank`.
  public subscript(axis: Int) -> Int { dimensions[axis] }

  /// For example `3x3x64x128`; `scalar` for rank 0.
  public var description: String {
    dimensions.isEmpty ? "scalar" : dimensions.map(String.init).joined(separator: "x")
  }
}

extension Shape: ExpressibleByArrayLiteral {
  /// A shape of constant extents, outermost axis first: `[224, 224, 3]` is (H, W, C). They must be valid.
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}
