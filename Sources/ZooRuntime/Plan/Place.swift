import ZooGraph
import ZooTensor

/// Where a tensor lies: a range of the channels of a buffer of pixels.
struct Place: Hashable {
  /// An index into the plan's buffers.
  var buffer: Int
  /// In floats, from the start of the buffer.
  var offset: Int
  /// Floats from one pixel to the next.
  var pixel: Int
  var height: Int
  var width: Int
  var channels: Int

  /// A good distance between pixels, in floats: whole cache lines, so that no vector lies across two, but not a
  /// multiple of a page, which would put all pixels in one set of the first-level cache.
  static func pixel(_ channels: Int) -> Int {
    guard channels >= 8 else { return channels }
    let lines = wholeLines(channels)
    return lines % 1024 == 0 ? lines + 16 : lines
  }

  /// `floats` rounded up to whole cache lines, which are whole vectors too.
  static func wholeLines(_ floats: Int) -> Int { (floats + 15) / 16 * 16 }

  var pixels: Int { height * width }
  /// Floats from one row to the next.
  var row: Int { width * pixel }
  /// Whether nothing lies between its pixels.
  var isContiguous: Bool { pixel == channels || pixels == 1 }
}

/// The memory behind one or more values.
struct Buffer {
  var floats: Int
  /// The graph input that it is, if it belongs to the caller.
  var input: Int?
  /// The steps during which it holds something.
  var steps: ClosedRange<Int>?
  /// Layers still to be planned that read it.
  var pendingReads = 0
  /// Whether it belongs to the steps that are run for several images at a time.
  var isInTail = false
  /// In floats, from the start of the memory for one image or of its tail.
  var arenaOffset = 0

  mutating func touch(_ step: Int) {
    steps = steps.map { min($0.lowerBound, step)...max($0.upperBound, step) } ?? step...step
  }
}

extension Shape {
  /// As an image: other ranks are one row of vectors along the last axis.
  var image: (height: Int, width: Int, channels: Int) {
    switch rank {
    case 0: (1, 1, 1)
    case 3: (self[0], self[1], self[2])
    default: (1, dimensions.dropLast().reduce(1, *), self[rank - 1])
    }
  }
}

/// What a value is while the network is planned.
enum Binding {
  /// In memory.
  case place(Place)
  /// Not in memory: the layers that read it compute it from `source` as they go.
  case view(View)
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

/// Gives each of `members` its place in an arena; buffers that live at the same time don't overlap.
///
/// Largest first, each at the lowest offset that is free during its steps: near the least possible for
/// networks, whose live sets are few. Returns the arena's size in floats.
func layOut(_ buffers: inout [Buffer], _ members: [Int]) -> Int {
  let alignment = 16
  let order = members.sorted { (buffers[$0].floats, $1) > (buffers[$1].floats, $0) }
  var placed: [Int] = []
  var size = 0
  for index in order {
    guard let steps = buffers[index].steps else { continue }
    var offset = 0
    for other in placed {
      guard let otherSteps = buffers[other].steps, otherSteps.overlaps(steps) else { continue }
      let end = buffers[other].arenaOffset + buffers[other].floats
      if buffers[other].arenaOffset < offset + buffers[index].floats && end > offset {
        offset = (end + alignment - 1) / alignment * alignment
      }
    }
    buffers[index].arenaOffset = offset
    size = max(size, offset + buffers[index].floats)
    placed.append(index)
    placed.sort { buffers[$0].arenaOffset < buffers[$1].arenaOffset }
  }
  return size
}
