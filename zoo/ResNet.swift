import ZooGraph
import ZooTensor

/// ResNet, version 1 (He and others 2015, table 1): a 7x7 stem and four stacks of bottlenecks or, in the
/// smaller members, of pairs of 3x3 convolutions; ResNeXt and Wide ResNet, whose bottlenecks are wider.
///
/// Programs differ in the padding, in which convolution of a stack's first block has the stride, and in
/// biases: see ``Convention``.
package struct ResNet: NetworkDefinition {
  /// Blocks per stack.
  package var depths: [Int]
  /// Filters of the stem and of the first stack's bottleneck; they double per stack.
  package var width: Int
  package var block: Block
  /// Filters of the first stack's 3x3 convolutions; ``width`` but in ResNeXt and Wide ResNet.
  package var innerWidth: Int
  /// Groups of channels of the 3x3 convolutions.
  package var groups: Int
  /// Of every batch normalization.
  package var epsilon: Double
  package var convention: Convention

  /// What a stack consists of.
  package enum Block: Hashable, Sendable {
    /// Two 3x3 convolutions.
    case basic
    /// A 1x1, a 3x3 and a 1x1 convolution with four times the filters.
    case bottleneck
  }

  package init(
    depths: [Int], width: Int = 64, epsilon: Double? = nil, convention: Convention = .keras,
    block: Block = .bottleneck, innerWidth: Int? = nil, groups: Int = 1
  ) {
    self.depths = depths
    self.width = width
    self.block = block
    self.innerWidth = innerWidth ?? width
    self.groups = groups
    self.epsilon = epsilon ?? convention.epsilon
    self.convention = convention
  }

  package static let resNet50 = ResNet(depths: [3, 4, 6, 3])

  package func build(_ g: inout GraphBuilder, _ image: Value, head: Head) -> Value {
    var x = padded(&g, "conv1_pad", image, convention.stemPadding)
    x = convolution(
      &g, "conv1", x, filters: width, kernel: 7, stride: 2, padding: rest(convention.stemPadding))
    x = g.add("conv1_relu", .activation(.relu), x)
    x = padded(&g, "pool1_pad", x, convention.poolPadding)
    x = g.maxPooling("pool1_pool", x, window: 3, stride: 2, padding: rest(convention.poolPadding))
    for (i, count) in depths.enumerated() {
      for j in 0..<count {
        let (name, stride) = ("conv\(i + 2)_block\(j + 1)", i > 0 && j == 0 ? 2 : 1)
        x =
          block == .basic
          ? basicBlock(&g, name, x, filters: width << i, stride: stride)
          : bottleneck(&g, name, x, stack: i, stride: stride, projects: j == 0)
      }
    }
    switch head {
    case .classifier(let classes, let activation):
      x = g.add("avg_pool", .globalAveragePooling(keepDimensions: false), x)
      return g.dense("predictions", x, units: classes, activation: activation)
    case .features(.none):
      return x
    case .features(.avg):
      return g.add("avg_pool", .globalAveragePooling(keepDimensions: false), x)
    case .features(.max):
      return g.add("max_pool", .globalMaxPooling(keepDimensions: false), x)
    }
  }

  /// The channels that the stack of this index, from 0, ends with.
  func channels(stack: Int) -> Int { (block == .basic ? 1 : 4) * width << stack }

  private func basicBlock(
    _ g: inout GraphBuilder, _ name: String, _ input: Value, filters: Int, stride: Int
  ) -> Value {
    var shortcut = input
    if stride > 1 {
      shortcut = convolution(
        &g, "\(name)_0", input, filters: filters, kernel: 1, stride: stride, padding: .valid)
    }
    let padding = stride > 1 ? convention.windowPadding : nil
    var x = padded(&g, "\(name)_1_pad", input, padding)
    x = convolution(&g, "\(name)_1", x, filters: filters, kernel: 3, stride: stride, padding: rest(padding))
    x = g.add("\(name)_1_relu", .activation(.relu), x)
    x = convolution(&g, "\(name)_2", x, filters: filters, kernel: 3, stride: 1, padding: .same)
    x = g.add("\(name)_add", .add, x, shortcut)
    return g.add("\(name)_out", .activation(.relu), x)
  }

  private func bottleneck(
    _ g: inout GraphBuilder, _ name: String, _ input: Value, stack: Int, stride: Int, projects: Bool
  ) -> Value {
    let filters = innerWidth << stack
    var shortcut = input
    if projects {
      shortcut = convolution(
        &g, "\(name)_0", input, filters: channels(stack: stack), kernel: 1, stride: stride, padding: .valid)
    }
    let strides = convention.strideIsOnWindow ? (1, stride) : (stride, 1)
    var x = convolution(
      &g, "\(name)_1", input, filters: filters, kernel: 1, stride: strides.0, padding: .valid)
    x = g.add("\(name)_1_relu", .activation(.relu), x)
    let padding = strides.1 > 1 ? convention.windowPadding : nil
    x = padded(&g, "\(name)_2_pad", x, padding)
    x = convolution(
      &g, "\(name)_2", x, filters: filters, kernel: 3, stride: strides.1, padding: rest(padding),
      groups: groups)
    x = g.add("\(name)_2_relu", .activation(.relu), x)
    x = convolution(
      &g, "\(name)_3", x, filters: channels(stack: stack), kernel: 1, stride: 1, padding: .valid)
    x =
      convention.shortcutIsFirst
      ? g.add("\(name)_add", .add, shortcut, x) : g.add("\(name)_add", .add, x, shortcut)
    return g.add("\(name)_out", .activation(.relu), x)
  }

  /// `x` with a layer of zeros around it, where the convention states how many.
  private func padded(_ g: inout GraphBuilder, _ name: String, _ x: Value, _ edges: Edges?) -> Value {
    guard let edges, edges != Edges(all: 0) else { return x }
    return g.add(name, .zeroPadding(edges), x)
  }

  /// The padding of a window behind ``padded(_:_:_:_:)``.
  private func rest(_ edges: Edges?) -> Padding { edges == nil ? .same : .valid }

  /// A convolution `NAME_conv` and its batch normalization `NAME_bn`.
  private func convolution(
    _ g: inout GraphBuilder, _ name: String, _ x: Value, filters: Int, kernel: Int, stride: Int,
    padding: Padding, groups: Int = 1
  ) -> Value {
    let x = g.add(
      "\(name)_conv",
      .convolution(
        Convolution(
          filters: filters, kernel: Extent2D(kernel), strides: Extent2D(stride), padding: padding,
          groups: groups, useBias: convention.hasBiases)), x)
    return g.batchNormalization("\(name)_bn", x, epsilon: epsilon)
  }

  /// Keras' ResNeXt has the kernels of depthwise convolutions, (3, 3, channel, multiplier).
  package func fileShape(of slot: WeightSlot) -> Shape {
    guard convention == .kerasResNeXt, slot.role == .kernel, slot.shape.rank == 4, slot.shape[0] == 3 else {
      return slot.shape
    }
    return [3, 3, slot.shape[3], slot.shape[2]]
  }

  /// The weights of 2015 were converted by several people.
  package var published: any NetworkDefinition {
    switch convention {
    case .keras2018: ResNet(depths: depths, width: width, convention: .keras2015)
    default: self
    }
  }

  package var memberName: String? {
    guard width == 64 else { return nil }
    let layers: [[Int]: (Int, Block)] = [
      [2, 2, 2, 2]: (18, .basic), [3, 4, 6, 3]: (block == .basic ? 34 : 50, block),
      [3, 4, 23, 3]: (101, .bottleneck), [3, 8, 36, 3]: (152, .bottleneck),
    ]
    guard let (count, kind) = layers[depths], kind == block else { return nil }
    switch (groups, innerWidth) {
    case (1, 64): return count == 50 ? nil : "resnet\(count)"
    case (1, 128): return "wide_resnet\(count)_2"
    case (32, 128) where convention == .kerasResNeXt: return "resnext\(count)"
    default: return groups > 1 ? "resnext\(count)_\(groups)x\(innerWidth / groups)d" : nil
    }
  }

  package var summary: String {
    [
      depths == ResNet.resNet50.depths || memberName != nil
        ? nil : "depths \(depths.map(String.init).joined(separator: "-"))",
      width == 64 ? nil : "width \(width)",
      block == .basic ? "basic blocks" : nil,
      innerWidth == width || memberName != nil ? nil : "\(innerWidth) inner filters",
      groups == 1 || memberName != nil ? nil : "\(groups) groups",
      convention == .keras || convention == .kerasResNeXt ? nil : "as \(convention.name)",
      epsilon == Convention.keras.epsilon ? nil : "epsilon \(epsilon)",
    ].compactMap { $0 }.joined(separator: ", ")
  }
}

// MARK: Finding the member

extension ResNet {
  /// The stem's is the only 7x7 kernel; a block has one 3x3 kernel, of its stack's filters.
  static func guesses(_ inventory: TensorInventory) -> [Guess] {
    guard let (stem, depths) = inventory.residualStacks() else { return [] }
    let width = stem[3]
    let (conventions, found) = Convention.candidates(inventory)
    return conventions.flatMap { convention in
      let epsilon = inventory.epsilon ?? convention.epsilon
      let reason =
        "width \(width) from the 7x7 kernel, depths \(depths) from the number of 3x3 kernels, "
        + "epsilon \(epsilon) \(inventory.epsilon == nil ? "and padding \(found)" : found)"
      return inventory.denseHeads(rows: 4 * width << (depths.count - 1)).map { head in
        Guess(
          definition: ResNet(depths: depths, width: width, epsilon: epsilon, convention: convention),
          head: head, channels: stem[2],
          conventions: WriterConventions(preprocessing: convention.preprocessing), reason: reason)
      }
    }
  }

  /// The names before 2019, `res2a_branch2b`, `bn4f_branch1`, `fc1000`, and tensorpack's,
  /// `group0/block0/conv2`, `group2/block5/conv2/bn`, `linear`.
  static func currentLayerName(_ name: String) -> String? {
    if let found = Convention.layerName(tensorpack: name) { return found }
    switch name {
    case "conv1": return "conv1_conv"
    case "bn_conv1": return "conv1_bn"
    case "fc1000", "probs": return "predictions"
    default: break
    }
    let kind = name.hasPrefix("res") ? "conv" : name.hasPrefix("bn") ? "bn" : nil
    let parts = name.split(separator: "_")
    guard let kind, parts.count == 2 else { return nil }
    let place = parts[0].dropFirst(kind == "conv" ? 3 : 2)
    guard let stack = place.first?.wholeNumberValue, let letter = place.dropFirst().first?.asciiValue,
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
    else { return nil }
    // Deeper networks number their blocks a, b1, b2, …
    let number = place.dropFirst(2)
    guard let block = number.isEmpty ? Int(letter) - 96 : Int(number).flatMap({ $0 < 1000 ? $0 + 1 : nil })
    else { return nil }
    let branches = ["branch1": 0, "branch2a": 1, "branch2b": 2, "branch2c": 3]
    return branches[String(parts[1])].map { "conv\(stack)_block\(block)_\($0)_\(kind)" }
  }
}

// MARK: Catalogue

extension Architecture {
  package static let resNet50 = resNet(
    50, depths: ResNet.resNet50.depths, accuracy: (74.9, 92.1),
    top: ("2cb95161c43110f7111970584f804107", 102_967_424),
    noTop: ("4d473c1dd8becc155b73f8504c6f6626", 94_765_736),
    older: PublishedFile.pair(
      "resnet50", ResNet(depths: ResNet.resNet50.depths, convention: .keras2015), 224,
      path: "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/resnet50"
        + PublishedFile.tensorFlow,
      top: ("a7b3fe01876f51b976af0dea6bc144eb", nil), noTop: ("a268eb855778b3df3c7506639542a6af", nil)))
  package static let resNet101 = resNet(
    101, depths: [3, 4, 23, 3], accuracy: (76.4, 92.8), top: ("f1aeb4b969a6efcfb50fad2f0c20cfc5", nil),
    noTop: ("88cf7a10940856eca736dc7b7e228a21", 171_446_536))
  package static let resNet152 = resNet(
    152, depths: [3, 8, 36, 3], accuracy: (76.6, 93.1), top: ("100835be76be38e30d865e96f2aaae62", nil),
    noTop: ("ee4c566cf9a93f14d82f913c2dc6dd0c", 234_698_864))

  private static func resNet(
    _ layers: Int, depths: [Int], accuracy: (Double, Double), top: PublishedFile.Facts,
    noTop: PublishedFile.Facts, older: [PublishedFile] = []
  ) -> Architecture {
    let name = "resnet\(layers)"
    let definition = ResNet(depths: depths)
    return Architecture(
      name: name, family: "ResNet", aliases: ["ResNet-\(layers)", "ResNet\(layers)V1"],
      card: ModelCard(
        architecture: name, variant: "", preprocessing: .caffe, trainingData: "ImageNet (ILSVRC 2015)",
        licence: "MIT (Kaiming He)",
        citation: "He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition, 2015, arXiv:1512.03385",
        accuracy: accuracyText(accuracy)),
      defaultInput: InputShape(224, 224), definition: definition,
      published: PublishedFile.pair(
        name, definition, 224, path: "resnet/\(name)\(PublishedFile.tensorFlow)", top: top, noTop: noTop)
        + older,
      currentLayerName: ResNet.currentLayerName, writers: ResNet.Convention.all.map(\.name),
      guesses: { inventory in
        // Members without an architecture of their own belong to the smallest.
        ResNet.guesses(inventory).filter { guess in
          guard let member = (guess.definition as? ResNet)?.memberName else { return layers == 50 }
          return member == name || layers == 50 && !["resnet101", "resnet152"].contains(member)
        }
      })
  }
}
