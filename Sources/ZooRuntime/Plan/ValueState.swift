import ZooGraph

/// What a value is while the network is planned.
enum ValueState {
  /// In memory.
  case place(Place)
  /// Not in memory: the layers that read it compute it from `source` as they go.
  case view(View)
}

extension ValueState {
  var buffer: Int {
    switch self {
    case .place(let place): place.buffer
    case .view(let view): view.source.buffer
    }
  }
}

/// A place seen through padding or cropping, and cut off at zero before that if `rectified`.
struct View {
  var source: Place
  /// Rows and columns of zeros around; negative where cropped.
  var edges = Edges.none
  var rectified = false

  var isCropped: Bool { min(edges.top, edges.bottom, edges.left, edges.right) < 0 }
  var isPadded: Bool { max(edges.top, edges.bottom, edges.left, edges.right) > 0 }
}

extension Edges {
  static func + (a: Edges, b: Edges) -> Edges {
    Edges(top: a.top + b.top, bottom: a.bottom + b.bottom, left: a.left + b.left, right: a.right + b.right)
  }

  var negated: Edges { Edges(top: -top, bottom: -bottom, left: -left, right: -right) }
}
