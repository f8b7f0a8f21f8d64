import ZooGraph
import ZooSystem
import ZooTensor

// What values are, and who is still to read them.

extension Planner {
  /// Says what a value is; its readers keep the buffer behind it.
  mutating func bind(_ value: Int, to state: ValueState) {
    let reads = values.unread[value] ?? readers[value].count
    if let old = values.states[value] { memory.buffers[old.buffer].pendingReads -= reads }
    memory.buffers[state.buffer].pendingReads += reads
    values.unread[value] = reads
    values.states[value] = state
  }

  /// Notes that one reader of a value has been planned.
  mutating func didRead(_ value: Int) {
    guard let state = values.states[value] else { return }
    memory.buffers[state.buffer].pendingReads -= 1
    values.unread[value, default: 0] -= 1
  }

  /// Says that a value is in memory after the last step so far.
  mutating func didProduce(_ value: Int) {
    guard let state = values.states[value] else { return }
    guard memory.buffers[state.buffer].input == nil, let last = steps.indices.last else {
      given.append(Value(index: value))
      return
    }
    memory.buffers[state.buffer].touch(last)
    steps[last].produced.append(Value(index: value))
  }

  /// The place of a value that is read; a view is put into memory first.
  mutating func place(of value: Int) throws(ZooError) -> Place {
    switch values.states[value] {
    case .place(let place): return place
    case .view(let view):
      let place = try materialize(view, as: value)
      bind(value, to: .place(place))
      didProduce(value)
      return place
    case nil:
      guard values.coded[value] != nil else {
        throw ZooError(.cannotRun, what: "cannot plan", at: layer(value), "it is read before it is computed")
      }
      let place = try decodedPlace(of: value)
      bind(value, to: .place(place))
      didProduce(value)
      return place
    }
  }

  /// A view of a value, trivial where it is in memory.
  mutating func view(of value: Int) throws(ZooError) -> View {
    switch values.states[value] {
    case .place(let place): return View(source: place)
    case .view(let view): return view
    case nil: return View(source: try place(of: value))
    }
  }

  /// The place of a value, or a copy of it, with nothing between its pixels.
  mutating func contiguousPlace(of value: Int, layers: [String]) throws(ZooError) -> Place {
    let place = try place(of: value)
    if place.isContiguous { return place }
    let packed = newPlace(
      height: place.height, width: place.width, channels: place.channels, contiguous: true)
    append(copyStep(from: place, to: packed, layers: layers))
    return packed
  }
}
