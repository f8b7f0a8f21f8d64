import ZooGraph
import ZooSystem
import ZooTensor
import ZooWeightFiles

/// The equation of an EinsumDense, `abc,cd->abd`: what becomes of each axis.
private struct EinsumEquation {
  let input: [Character]
  let kernel: [Character]
  let output: [Character]

  /// Reads an equation for an example of `rank` axes; nil where it is none. An ellipsis stands for the axes that
  /// are left, and for the batch, which is the first axis of input and output.
  init?(_ text: String, rank: Int) {
    let sides = text.replacing(" ", with: "").split(separator: ">", omittingEmptySubsequences: false)
    guard sides.count == 2, sides[0].hasSuffix("-") else { return nil }
    let operands = sides[0].dropLast().split(separator: ",", omittingEmptySubsequences: false)
    guard operands.count == 2, !operands[1].contains(".") else { return nil }
    // Names that no equation can have.
    let free = (0..<rank + 1).compactMap { UnicodeScalar(0xE000 + $0).map(Character.init) }
    func letters(_ side: Substring, ellipsis count: Int) -> [Character]? {
      guard let range = side.firstRange(of: "...") else { return Array(side) }
      guard count >= 0, count <= free.count else { return nil }
      return Array(side[..<range.lowerBound]) + free.prefix(count) + Array(side[range.upperBound...])
    }
    let missing = rank + 1 - operands[0].filter { $0 != "." }.count
    guard let input = letters(operands[0], ellipsis: missing), input.count == rank + 1,
      let output = letters(sides[1], ellipsis: missing), let batch = input.first, output.first == batch
    else { return nil }
    let kernel = Array(operands[1])
    guard !kernel.contains(batch), !kernel.isEmpty, output.count > 1,
      [input, kernel, output].allSatisfy({ Set($0).count == $0.count }),
      output.allSatisfy({ input.contains($0) || kernel.contains($0) })
    else { return nil }
    self.input = Array(input.dropFirst())
    self.kernel = kernel
    self.output = Array(output.dropFirst())
  }
}

extension KerasLayer {
  /// A matrix product over some axes: a Dense of the axes side by side, or a convolution of as many groups as
  /// there are matrices.
  func einsumSteps(_ shape: Shape) throws(ZooError) -> [KerasStep] {
    guard let text = members["equation"]?.string, let equation = EinsumEquation(text, rank: shape.rank) else {
      throw malformedAttribute("equation", "one of an input of \(shape.rank) axes and a kernel")
    }
    let extents = try extents(of: equation, shape)
    func sizes(_ axes: [Character]) -> [Int] { axes.map { extents[$0] ?? 1 } }
    func product(_ axes: [Character]) -> Int { sizes(axes).reduce(1, *) }
    let (input, kernel, output) = (equation.input, equation.kernel, equation.output)
    let summed = kernel.filter { input.contains($0) && !output.contains($0) }
    let groups = kernel.filter { input.contains($0) && output.contains($0) }
    let units = output.filter { kernel.contains($0) && !input.contains($0) }
    let free = input.filter { !kernel.contains($0) }
    guard kernel.allSatisfy({ input.contains($0) || output.contains($0) }),
      free.allSatisfy(output.contains)
    else { throw unsupported("its equation sums over an axis of one operand") }

    var c = KerasComposition(of: name, reading: [shape])
    let order = (free + groups + summed).compactMap { input.firstIndex(of: $0) }
    let rows = c.permute(c.inputs[0], order)
    let kernelOrder = (groups.isEmpty ? summed + units : summed + groups + units)
      .compactMap { kernel.firstIndex(of: $0) }
    var stored: [WeightRole: StoredAxes] = [
      .kernel: StoredAxes(extents: sizes(kernel), order: kernelOrder)
    ]
    let bias = try biasAxes(equation, groups + units, extents)
    if let bias { stored[.bias] = bias }
    let columns = product(units)
    var result: Value
    if groups.isEmpty {
      result = c.add(
        .dense(Dense(units: columns, useBias: bias != nil)),
        [try c.reshape(rows, [product(free), product(summed)])], storing: stored)
    } else {
      result = c.add(
        .convolution(
          Convolution(
            filters: product(groups) * columns, kernel: .one, strides: .one, padding: .valid, dilation: .one,
            groups: product(groups), useBias: bias != nil, activation: .linear)),
        [try c.reshape(rows, [product(free), 1, product(groups) * product(summed)])], storing: stored)
    }
    let axes = free + groups + units
    result = try c.reshape(result, sizes(axes))
    result = c.permute(result, output.compactMap { axes.firstIndex(of: $0) })
    let activation = try activation()
    if activation != .linear { result = c.add(.activation(activation), result) }
    return c.steps(to: result)
  }

  /// The extent of each axis: of the input's axes its own, of the others what `output_shape` says.
  private func extents(of equation: EinsumEquation, _ shape: Shape) throws(ZooError) -> [Character: Int] {
    var extents: [Character: Int] = [:]
    for (axis, extent) in zip(equation.input, shape.dimensions) { extents[axis] = extent }
    let stated = members["output_shape"]
    let sizes = stated?.integer.map { [JSONValue.number(Double($0))] } ?? stated?.array
    guard let sizes, sizes.count <= equation.output.count else {
      throw malformedAttribute("output_shape", "the extents of the output's last axes")
    }
    // Elsewhere the extents are those of the input.
    for (axis, size) in zip(equation.output.suffix(sizes.count), sizes) where extents[axis] == nil {
      guard let extent = size.integer, extent > 0, extent <= 1 << 24 else {
        throw malformedAttribute("output_shape", "the extents of the output's last axes")
      }
      extents[axis] = extent
    }
    for axis in equation.output where extents[axis] == nil {
      throw malformedAttribute("output_shape", "the extents of the output's last axes")
    }
    guard equation.kernel.allSatisfy({ extents[$0] != nil }),
      Shape(checking: equation.kernel.map { extents[$0] ?? 1 }) != nil
    else { throw unsupported("its equation sums over an axis of one operand") }
    return extents
  }

  /// How the bias is stored for `columns`, the output's axes that the kernel has; nil where there is none.
  private func biasAxes(
    _ equation: EinsumEquation, _ columns: [Character], _ extents: [Character: Int]
  ) throws(ZooError) -> StoredAxes? {
    guard let text = members["bias_axes"]?.string, !text.isEmpty else { return nil }
    let axes = equation.output.filter { text.contains($0) }
    guard axes.count == text.count, Set(axes) == Set(columns) else {
      throw unsupported("its bias has the axes '\(text)', which are not those of its kernel in the output")
    }
    return StoredAxes(
      extents: axes.map { extents[$0] ?? 1 }, order: columns.compactMap { axes.firstIndex(of: $0) })
  }
}
