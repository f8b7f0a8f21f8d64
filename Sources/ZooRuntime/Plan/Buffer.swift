import ZooGraph

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
