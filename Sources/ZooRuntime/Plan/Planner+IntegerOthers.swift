import CZooKernels
import ZooGraph
import ZooSystem
import ZooTensor

// Layers on codes of 8 bits other than products and depthwise convolutions.

extension Planner {
  mutating func planPooling(
    _ layer: IntegerLayer, _ pooling: Pooling, average: Bool
  ) throws(ZooError) {
    var view = try codedView(of: layer.source)
    let (height, width, channels) = graph.nodes[layer.source].shape.image
    let edges = pooling.padding.edges(
      height: height, width: width, window: pooling.window, strides: pooling.strides, dilation: .one)
    // Zeros of a padding layer count, those of the pooling itself don't: a kernel has one kind.
    if edges != .none && view.edges != .none { view = View(source: try codedPlace(of: layer.source)) }
    let outputs = try outputs(of: layer)
    var a = zoo_integer_pooling()
    a.window.setExtents(from: view.source, to: outputs.output)
    a.window.setWindow(
      pooling.window, strides: pooling.strides, dilation: .one, edges: edges + view.edges)
    a.channels = Int32(channels)
    a.average = average ? 1 : 0
    a.counts_outside = view.isPadded ? 1 : 0
    append(
      Step(
        layers: layer.layers, algorithm: average ? "8-bit average pool" : "8-bit max pool", macs: 0,
        arguments: .integerPooling(a), units: outputs.output.height, inputs: [view.source],
        output: outputs.output, weights: try request(.scaling, layer, zeros: channels)))
    finish(layer, in: outputs.output)
  }

  mutating func planMean(_ layer: IntegerLayer) throws(ZooError) {
    let source = try codedPlace(of: layer.source)
    let outputs = try outputs(of: layer)
    var a = zoo_integer_mean()
    (a.in_pixel, a.in_row) = (source.pixel, source.row)
    (a.height, a.width) = (Int32(source.height), Int32(source.width))
    a.channels = Int32(source.channels)
    a.writes = outputs.writes
    append(
      Step(
        layers: layer.layers, algorithm: "8-bit global average", macs: 0, arguments: .integerMean(a),
        units: (source.channels + 63) / 64, inputs: [source], output: outputs.output,
        weights: try request(.scaling, layer, zeros: 0)))
    finish(layer, in: outputs.output)
  }

  mutating func planSum(_ layer: IntegerLayer) throws(ZooError) {
    let left = try term(layer.source, isWide: layer.sourceIsWide)
    let right = try otherTerm(of: layer)
    let outputs = try outputs(of: layer)
    var a = zoo_integer_map()
    (a.a_pixel, a.b_pixel, a.out_pixel) = (left.pixel, right?.pixel ?? 0, outputs.output.pixel)
    a.wide_pixel = outputs.wide?.pixel ?? outputs.output.pixel
    a.b_factor = layer.otherFactor
    (a.a_is_wide, a.b_is_wide) = (layer.sourceIsWide ? 1 : 0, layer.otherIsWide ? 1 : 0)
    a.channels = Int32(outputs.output.channels)
    a.writes = outputs.writes
    append(
      Step(
        layers: layer.layers, algorithm: right == nil ? "8-bit rescaling" : "8-bit add", macs: 0,
        arguments: .integerMap(.integer_add, a),
        units: outputs.output.pixels, inputs: [left] + [right].compactMap(\.self), output: outputs.output,
        wide: outputs.wide,
        weights: try request(.scaling, layer, zeros: 0)))
    finish(layer, in: outputs.output)
  }

  mutating func planCopy(_ layer: IntegerLayer) throws(ZooError) {
    switch graph.nodes[layer.node].operation {
    case .flatten, .reshape:
      let (height, width, channels) = graph.nodes[layer.result].shape.image
      var place = try codedPlace(of: layer.source, contiguous: true)
      (place.height, place.width, place.channels, place.pixel) = (height, width, channels, channels)
      values.coded[layer.result] = CodedValue(codes: View(source: place))
    default: values.coded[layer.result] = CodedValue(codes: try codedView(of: layer.source))
    }
  }

  // MARK: Side by side

  /// Puts those parts into the whole that aren't there yet.
  mutating func planJoin(_ layer: IntegerLayer) throws(ZooError) {
    guard let integers else { return }
    let whole = try joined(layer.node)
    let code = try code(of: layer.result)
    var slice = whole
    for part in layer.parts {
      slice.channels = graph.nodes[part].shape.image.channels
      let source = try codedPlace(of: part)
      if source != slice {
        let partCode = try self.code(of: part)
        let factor = Float(Double(partCode.scale(0)) / Double(code.scale(0)))
        var a = zoo_integer_map()
        (a.a_pixel, a.out_pixel) = (source.pixel, slice.pixel)
        a.channels = Int32(slice.channels)
        a.writes = Int32(zoo_write_codes)
        let offset = partCode.offset(into: code, factor: factor)
        let request = IntegerRequest(
          form: .numbers(multipliers: [factor], offsets: [offset]), integers: integers, layer: nil,
          channels: slice.channels, zeros: [])
        append(
          Step(
            layers: layer.layers, algorithm: "8-bit rescaling", macs: 0,
            arguments: .integerMap(.integer_add, a),
            units: slice.pixels, inputs: [source], output: slice, weights: WeightRequest(request)))
      }
      slice.offset += slice.channels
    }
    values.coded[layer.result] = CodedValue(codes: View(source: whole))
  }

  /// Where the codes of a concatenation lie.
  private mutating func joined(_ join: Int) throws(ZooError) -> Place {
    if let place = values.joinedCodes[join] { return place }
    let (height, width, channels) = graph.nodes[join].shape.image
    let place = try joinedSlice(for: join) ?? newCodes(height: height, width: width, channels: channels)
    values.joinedCodes[join] = place
    return place
  }

  /// The part of a concatenation that a value is, where that alone reads it and has the same codes.
  mutating func joinedSlice(for value: Int) throws(ZooError) -> Place? {
    guard readers[value].count == 1, let join = readers[value].first,
      let layer = program?.layers[join], layer.kind == .concatenation,
      program?.codes[value] == program?.codes[join]
    else { return nil }
    var place = try joined(join)
    for part in layer.parts {
      if part == value { break }
      place.offset += graph.nodes[part].shape.image.channels
    }
    place.channels = graph.nodes[value].shape.image.channels
    return place
  }
}
