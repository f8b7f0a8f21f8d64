import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

// Functions that move values: parts of tensors, several in one, other shapes.
extension KerasLayer {
  /// The most parts that a function takes or makes one by one.
  private static let partLimit = 1024

  /// The outputs of a function; nil for one that is not of this kind.
  func shaping(
    _ function: String, _ call: KerasCall, _ c: inout KerasComposition
  ) throws(ZooError) -> [Value]? {
    let x = c.inputs[0]
    let extents = try c.shape(x).dimensions
    let rank = extents.count
    func axis(_ rank: Int, _ absent: Int? = nil) throws(ZooError) -> Int {
      let given = argument("axis", "dim", of: call) ?? absent.map { .number(Double($0)) }
      return try functionAxis(given, rank: rank)
    }
    switch function {
    case "get_item": return [try item(call, &c)]
    case "squeeze":
      let stated = argument("axis", "squeeze_dims", of: call)
      var axes = extents.indices.filter { extents[$0] == 1 }
      if let stated { axes = try functionAxes(stated, rank: rank) }
      guard axes.allSatisfy({ extents[$0] == 1 }) else {
        throw malformed(name, "it drops an axis that is not 1")
      }
      return [try c.reshape(x, extents.indices.filter { !axes.contains($0) }.map { extents[$0] })]
    case "expand_dims":
      let axes = try functionAxes(argument("axis", of: call), rank: rank + 1)
      guard axes.count == 1 else { throw unsupported("it adds several axes") }
      return [try c.reshape(x, extents[..<axes[0]] + [1] + extents[axes[0]...])]
    case "stack", "pack":
      let axis = try axis(rank + 1)
      var parts: [Value] = []
      for input in c.inputs {
        guard try c.shape(input).dimensions == extents else {
          throw malformed(name, "it stacks different shapes")
        }
        parts.append(try c.reshape(input, extents[..<axis] + [1] + extents[axis...]))
      }
      return [try c.join(parts, axis: axis)]
    case "unstack", "unpack":
      let axis = try axis(rank)
      guard extents[axis] <= KerasLayer.partLimit else {
        throw unsupported("it makes \(extents[axis]) tensors")
      }
      var parts: [Value] = []
      for place in 0..<extents[axis] {
        let part = try c.slice(x, axis: axis, start: place, count: 1)
        parts.append(try c.reshape(part, Array(extents[..<axis]) + extents[(axis + 1)...]))
      }
      return parts
    case "split", "split_v":
      let axis = try axis(rank)
      var parts: [Value] = []
      var start = 0
      for size in try sizes(call, extent: extents[axis]) {
        parts.append(try c.slice(x, axis: axis, start: start, count: size))
        start += size
      }
      return parts
    case "flip":
      let axes = try functionAxes(argument("axis", of: call), rank: rank)
      var result = x
      for axis in axes {
        guard extents[axis] <= KerasLayer.partLimit else {
          throw unsupported("it turns \(extents[axis]) places")
        }
        result = try c.pick(result, axis: axis, (0..<extents[axis]).reversed())
      }
      return [result]
    case "swapaxes":
      var order = Array(0..<rank)
      order.swapAt(
        try functionAxis(argument("axis1", of: call), rank: rank),
        try functionAxis(argument("axis2", of: call), rank: rank))
      return [c.permute(x, order)]
    case "depth_to_space", "space_to_depth":
      return [try blocks(call, toSpace: function == "depth_to_space", &c)]
    case "resize":
      return [try resizing(call, &c)]
    case "pad": return [try padded(call, &c)]
    default: return nil
    }
  }

  /// The sizes of the parts of a split: Keras 3 gives the number of parts or where they begin, TensorFlow
  /// the number or the sizes.
  private func sizes(_ call: KerasCall, extent: Int) throws(ZooError) -> [Int] {
    var sizes: [Int] = []
    let whole = argument("indices_or_sections", "num_or_size_splits", "num_split", of: call)
    if let count = whole?.integer, count > 0, extent % count == 0, count <= KerasLayer.partLimit {
      sizes = Array(repeating: extent / count, count: count)
    } else if let starts = argument("indices_or_sections", of: call)?.array?.compactMap(\.integer) {
      let bounds = [0] + starts + [extent]
      guard zip(bounds, bounds.dropFirst()).allSatisfy({ $0 < $1 }) else {
        throw unsupported("its parts do not follow each other")
      }
      sizes = zip(bounds, bounds.dropFirst()).map { $1 - $0 }
    } else if let stated = whole?.array?.compactMap(\.integer) {
      let known = stated.filter { $0 > 0 && $0 <= extent }.reduce(0, +)
      sizes = stated.map { $0 == -1 ? extent - known : $0 }
    }
    guard !sizes.isEmpty, sizes.count <= KerasLayer.partLimit, sizes.allSatisfy({ $0 > 0 && $0 <= extent }),
      sizes.reduce(0, +) == extent
    else { throw malformed(name, "it can't split an axis of \(extent) so") }
    return sizes
  }

  private func blocks(
    _ call: KerasCall, toSpace: Bool, _ c: inout KerasComposition
  ) throws(ZooError) -> Value {
    let shape = try c.shape(c.inputs[0])
    guard shape.rank == 3, let block = argument("block_size", of: call)?.integer,
      (1...KerasLayer.partLimit).contains(block),
      toSpace ? shape[2] % (block * block) == 0 : shape[0] % block == 0 && shape[1] % block == 0
    else { throw malformed(name, "its block does not fit \(shape)") }
    let (height, width, channels) = (shape[0], shape[1], shape[2])
    if toSpace {
      let depth = channels / (block * block)
      let parts = try c.reshape(c.inputs[0], [height, width, block, block, depth])
      return try c.reshape(c.permute(parts, [0, 2, 1, 3, 4]), [height * block, width * block, depth])
    }
    let parts = try c.reshape(c.inputs[0], [height / block, block, width / block, block, channels])
    return try c.reshape(
      c.permute(parts, [0, 2, 1, 3, 4]), [height / block, width / block, block * block * channels])
  }

  private func resizing(_ call: KerasCall, _ c: inout KerasComposition) throws(ZooError) -> Value {
    if members["function"]?.string?.contains("compat.v1") == true || className == "TensorFlowOpLayer" {
      throw unsupported("it resizes by the rules of TensorFlow 1")
    }
    guard let size = argument("size", of: call)?.array?.compactMap(\.integer), size.count == 2 else {
      throw unsupported("its size is not two whole numbers")
    }
    return try resized(c.inputs[0], Extent2D(size[0], size[1]), &c) { argument($0, of: call) }
  }

  private func padded(_ call: KerasCall, _ c: inout KerasComposition) throws(ZooError) -> Value {
    let amounts = argument("pad_width", "paddings", of: call)?.array?.map {
      $0.array?.compactMap(\.integer) ?? []
    }
    let value = argument("constant_values", of: call)?.number ?? 0
    guard (argument("mode", of: call)?.string ?? "constant").lowercased() == "constant", value == 0,
      let amounts, amounts.count == 4, amounts.allSatisfy({ $0.count == 2 }),
      (amounts[0] + amounts[3]).allSatisfy({ $0 == 0 })
    else { throw unsupported("it pads something other than an image's height and width with zeros") }
    let edges = Edges(top: amounts[1][0], bottom: amounts[1][1], left: amounts[2][0], right: amounts[2][1])
    return c.add(.zeroPadding(edges), c.inputs[0])
  }

  // MARK: x[...]

  /// The part of a tensor that Python's brackets name.
  private func item(_ call: KerasCall, _ c: inout KerasComposition) throws(ZooError) -> Value {
    let extents = try c.shape(c.inputs[0]).dimensions
    var keys: [JSONValue] = []
    for operand in call.operands {
      if case .constant(let value) = operand { keys = value.array ?? [value] }
    }
    if let spec = call.keywords["slice_spec"] ?? call.keywords["key"] { keys = spec.array ?? [spec] }
    func isEllipsis(_ key: JSONValue) -> Bool { key["class_name"]?.string == "__ellipsis__" }
    let named = keys.count { $0 != .null && !isEllipsis($0) }
    guard named <= extents.count + 1, keys.count(where: isEllipsis) <= 1 else {
      throw malformed(name, "it names \(named) axes of \(extents.count + 1)")
    }
    let all = JSONValue.object(["start": .null, "stop": .null, "step": .null])
    let open = Array(repeating: all, count: extents.count + 1 - named)
    if let place = keys.firstIndex(where: isEllipsis) {
      keys.replaceSubrange(place...place, with: open)
    } else {
      keys += open
    }
    guard let batch = keys.first, try indices(batch, extent: 1 << 20)?.count == 1 << 20 else {
      throw unsupported("it takes a part of the batch")
    }
    var value = c.inputs[0]
    var result: [Int] = []
    // The axis of `extents`; `value` keeps all of them, with 1 in place of a single index, until the end.
    var axis = 0
    for key in keys.dropFirst() {
      if key == .null {
        result.append(1)
        continue
      }
      if let index = key.integer {
        let place = index < 0 ? index + extents[axis] : index
        guard extents.indices.contains(axis), (0..<extents[axis]).contains(place) else {
          throw malformed(name, "there is no place \(index)")
        }
        value = try c.slice(value, axis: axis, start: place, count: 1)
      } else {
        guard let places = try indices(key, extent: extents[axis]), !places.isEmpty else {
          throw unsupported("it takes something other than places and ranges")
        }
        let isRange = places.count < 2 || places[1] == places[0] + 1
        guard isRange || places.count <= KerasLayer.partLimit else {
          throw unsupported("it takes \(places.count) places one by one")
        }
        value = try c.pick(value, axis: axis, places)
        result.append(places.count)
      }
      axis += 1
    }
    return try c.reshape(value, result)
  }

  /// The places of an axis that a slice names; nil for something else.
  private func indices(_ key: JSONValue, extent: Int) throws(ZooError) -> [Int]? {
    guard let members = key["config"]?.object ?? key.object, members["start"] != nil else { return nil }
    func bound(_ name: String) throws(ZooError) -> Int? {
      guard let value = members[name], value != .null else { return nil }
      guard let number = value.integer, abs(number) <= 1 << 32 else {
        throw unsupported("a bound of its range is not a whole number")
      }
      return number
    }
    let step = try bound("step") ?? 1
    guard step != 0 else { throw malformed(name, "the step of its range is 0") }
    func place(_ number: Int) -> Int {
      let counted = number < 0 ? number + extent : number
      return step > 0 ? min(max(counted, 0), extent) : min(max(counted, -1), extent - 1)
    }
    let start = try bound("start").map(place) ?? (step > 0 ? 0 : extent - 1)
    let stop = try bound("stop").map(place) ?? (step > 0 ? extent : -1)
    return Array(stride(from: start, to: stop, by: step))
  }
}
