extension Shape {
  /// As an image: other ranks are one row of vectors along the last axis.
  package var image: (height: Int, width: Int, channels: Int) {
    switch rank {
    case 0: (1, 1, 1)
    case 3: (self[0], self[1], self[2])
    default: (1, dimensions.dropLast().reduce(1, *), self[rank - 1])
    }
  }
}
