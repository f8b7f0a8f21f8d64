import ZooGraph
import ZooTensor

// Where values lie.

extension Planner {
  /// A new buffer for an image.
  mutating func newPlace(height: Int, width: Int, channels: Int, contiguous: Bool) -> Place {
    let pixel = contiguous || height * width == 1 ? channels : Place.pixel(channels)
    memory.buffers.append(Buffer(floats: height * width * pixel + 16))
    return Place(
      buffer: memory.buffers.count - 1, offset: 0, pixel: pixel, height: height, width: width,
      channels: channels)
  }

  /// Memory that each thread has for itself while a step runs, from the float `offset` of its slot on.
  ///
  /// A thread's slot is the same in all steps: what lies in the cache of one core is not written by another.
  mutating func scratch(floats: Int, offset: Int = 0) -> Place {
    guard threads > 1 else {
      // In the memory of values that are not there yet, or no longer.
      memory.buffers.append(Buffer(floats: floats))
      return Place(
        buffer: memory.buffers.count - 1, offset: 0, pixel: floats, height: 1, width: 1, channels: floats)
    }
    let buffer = memory.scratch ?? memory.buffers.count
    if memory.scratch == nil { memory.buffers.append(Buffer(floats: 0)) }
    memory.scratch = buffer
    memory.slot = max(memory.slot, Place.wholeLines(offset + floats))
    memory.buffers[buffer].floats = threads * memory.slot
    return Place(buffer: buffer, offset: offset, pixel: floats, height: 1, width: 1, channels: floats)
  }

  /// Where to write a value: into the concatenation that reads it, over `reusable` if nothing else
  /// reads that any more, or into a new buffer.
  mutating func outputPlace(for value: Int, over reusable: Place? = nil) -> Place {
    let (height, width, channels) = graph.nodes[value].shape.image
    if let slice = concatenationSlice(for: value) { return slice }
    if let reusable, reusable.height == height, reusable.width == width, reusable.channels == channels,
      reusable.offset == 0, reusable.pixel < channels + 32, memory.buffers[reusable.buffer].input == nil,
      memory.buffers[reusable.buffer].pendingReads == 0,
      !needsContiguous(value) || reusable.isContiguous
    {
      return reusable
    }
    return newPlace(height: height, width: width, channels: channels, contiguous: needsContiguous(value))
  }

  private func needsContiguous(_ value: Int) -> Bool {
    readers[value].contains {
      switch graph.nodes[$0].operation {
      case .flatten, .reshape: true
      case .identity, .activation(.linear): needsContiguous($0)
      case .activation(.relu): isReadRectified(value) && needsContiguous($0)
      default: false
      }
    }
  }

  private mutating func concatenationSlice(for value: Int) -> Place? {
    let node = graph.nodes[value]
    if needsContiguous(value) && node.shape.image.height * node.shape.image.width > 1 { return nil }
    let joins = readers[value].filter { graph.nodes[$0].operation == .concatenate }
    guard let join = joins.first, graph.nodes[join].inputs.count(where: { $0.index == value }) == 1 else {
      return nil
    }
    // Others read the value as it is.
    if isReadRectified(join) && readers[value].count > 1 { return nil }
    var place = memory.joined[join] ?? outputPlace(for: join)
    memory.joined[join] = place
    for input in graph.nodes[join].inputs {
      if input.index == value { break }
      place.offset += graph[input].shape.image.channels
    }
    place.channels = node.shape.image.channels
    return place
  }
}
