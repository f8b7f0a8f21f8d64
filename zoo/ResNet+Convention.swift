import ZooGraph

extension ResNet {
  /// What differs between the programs that weights of the same network come from. Paddings that are nil
  /// are TensorFlow's `same`.
  package struct Convention: Hashable, Sendable {
    /// What `--writer` takes.
    package let name: String
    package let epsilon: Double
    /// Of the 7x7 convolution.
    let stemPadding: Edges?
    /// Of the 3x3 maximum behind it.
    let poolPadding: Edges?
    /// Of the 3x3 convolutions with a stride.
    let windowPadding: Edges?
    /// Whether the first block of a stack has its stride on the 3x3 convolution, else on the first 1x1.
    let strideIsOnWindow: Bool
    /// Whether convolutions have biases.
    let hasBiases: Bool
    /// Whether the shortcut is the first operand of an addition; it decides the order of layers in Keras.
    let shortcutIsFirst: Bool
    /// Nil where it is the architecture's.
    let preprocessing: Preprocessing?

    /// `keras_applications.resnet` since 2019, and what its files were made with.
    package static let keras = Convention(
      name: "keras", epsilon: 1.001e-5, stemPadding: Edges(all: 3), poolPadding: Edges(all: 1),
      windowPadding: nil, strideIsOnWindow: false, hasBiases: true, shortcutIsFirst: true, preprocessing: nil)
    /// `deep-learning-models` v0.2, which published the file of the same name, and Keras until 2.2.2.
    package static let keras2015 = Convention(
      name: "keras-2015", epsilon: 1e-3, stemPadding: Edges(all: 3), poolPadding: Edges(all: 0),
      windowPadding: nil, strideIsOnWindow: false, hasBiases: true, shortcutIsFirst: false, preprocessing: nil
    )
    /// The same code since August 2018: it pads before the maximum, in a layer `pool1_pad`.
    package static let keras2018 = Convention(
      name: "keras-2018", epsilon: 1e-3, stemPadding: Edges(all: 3), poolPadding: Edges(all: 1),
      windowPadding: nil, strideIsOnWindow: false, hasBiases: true, shortcutIsFirst: false, preprocessing: nil
    )
    /// tensorpack's `examples/ResNet/resnet_model.py`.
    package static let tensorpack = Convention(
      name: "tensorpack", epsilon: 1e-5, stemPadding: nil, poolPadding: nil, windowPadding: nil,
      strideIsOnWindow: true, hasBiases: false, shortcutIsFirst: false, preprocessing: .torchBGR)
    /// tensorpack's `examples/ResNet/load-resnet.py`, for weights converted from Caffe.
    package static let tensorpackCaffe = Convention(
      name: "tensorpack-caffe", epsilon: 1e-5, stemPadding: Edges(top: 3, bottom: 2, left: 3, right: 2),
      poolPadding: nil, windowPadding: nil, strideIsOnWindow: false, hasBiases: false, shortcutIsFirst: false,
      preprocessing: .caffe)
    /// tensorpack's `examples/FasterRCNN`, with the padding that Caffe and Torch have.
    package static let tensorpackAligned = Convention(
      name: "tensorpack-aligned", epsilon: 1e-5, stemPadding: Edges(top: 3, bottom: 2, left: 3, right: 2),
      poolPadding: Edges(top: 1, bottom: 0, left: 1, right: 0),
      windowPadding: Edges(top: 1, bottom: 0, left: 1, right: 0), strideIsOnWindow: true, hasBiases: false,
      shortcutIsFirst: false, preprocessing: .torchBGR)
    /// torchvision's `models/resnet.py` and timm's `resnet.py`.
    package static let torchvision = Convention(
      name: "torchvision", epsilon: 1e-5, stemPadding: Edges(all: 3), poolPadding: Edges(all: 1),
      windowPadding: Edges(all: 1), strideIsOnWindow: true, hasBiases: false, shortcutIsFirst: false,
      preprocessing: .torch)

    /// `keras_applications.resnext`: each channel is convolved by itself, and sums over a group are its outputs.
    package static let kerasResNeXt = Convention(
      name: "keras-resnext", epsilon: 1.001e-5, stemPadding: Edges(all: 3), poolPadding: Edges(all: 1),
      windowPadding: Edges(all: 1), strideIsOnWindow: true, hasBiases: false, shortcutIsFirst: true,
      preprocessing: .torch)

    /// Those of the same networks, between which a person can choose.
    package static let all = [
      keras, keras2018, keras2015, tensorpack, tensorpackCaffe, tensorpackAligned, torchvision,
    ]

    /// What a file may have been written by, and what says so: a person, the names, or, of a whole model, the
    /// configuration, which decides itself.
    static func candidates(_ inventory: TensorInventory) -> ([Convention], reason: String) {
      if let stated = inventory.context.writer {
        return (all.filter { $0.name == stated }, "as stated")
      }
      if inventory.epsilon != nil { return (all, "as given") }
      let names = inventory.layerNames
      if names.contains(where: { layerName(tensorpack: $0) != nil && $0.contains("/") }) {
        return (
          [.tensorpack],
          "of tensorpack, by the tensor names (see --writer for tensorpack-caffe and tensorpack-aligned)"
        )
      }
      guard names.contains(where: { $0.hasPrefix("bn_conv1") || $0.contains("_branch2a") }) else {
        return (
          [.keras],
          "of Keras files since 2019, " + (names.isEmpty ? "by default" : "by the layer names")
        )
      }
      return inventory.context.layers.contains("pool1_pad")
        ? ([.keras2018], "of the Keras code of 2018, by the older layer names and 'pool1_pad'")
        : ([.keras2015], "of the older published file, by its layer names")
    }

    /// The current name of `group0/block1/conv2`, `group0/block1/convshortcut/bn`, `conv0`, `linear`.
    static func layerName(tensorpack name: String) -> String? {
      var parts = name.split(separator: "/").map(String.init)
      // A model's own path may stand in front.
      if let start = parts.firstIndex(where: { $0.hasPrefix("group") }) {
        parts.removeFirst(start)
      } else if let start = parts.firstIndex(where: { $0 == "conv0" || $0 == "linear" }) {
        parts.removeFirst(start)
      }
      if parts == ["linear"] { return "predictions" }
      let kind = parts.last == "bn" ? "bn" : "conv"
      if kind == "bn" { parts.removeLast() }
      if parts == ["conv0"] { return "conv1_\(kind)" }
      guard parts.count == 3, parts[0].hasPrefix("group"), parts[1].hasPrefix("block"),
        let group = Int(parts[0].dropFirst(5)), let block = Int(parts[1].dropFirst(5)),
        (0..<100).contains(group), (0..<1000).contains(block)
      else { return nil }
      let places = ["convshortcut": 0, "conv1": 1, "conv2": 2, "conv3": 3]
      return places[parts[2]].map { "conv\(group + 2)_block\(block + 1)_\($0)_\(kind)" }
    }
  }
}
