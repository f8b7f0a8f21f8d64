import ModelZoo
import ZooConversion
import ZooGraph

extension ModelSummary {
  /// A layer.
  public struct Layer: Sendable, Encodable {
    /// Its name, unique in the network.
    public let name: String
    /// The kind of operation, for example `convolution`; of a network that is not known, the class that the file
    /// names.
    public let kind: String
    /// The names of the layers that it reads; none for an input of the network, and where that is not known.
    public let inputs: [String]
    /// (H, W, C) or (C); empty where the network is not known.
    public let outputShape: [Int]
    /// The number of weights.
    public let parameters: Int
    /// Multiplications for one example.
    public let macs: Int
    /// What the operation is given, under the names of `docs/zoo-format.md`.
    let attributes: [Model.Layer.Attribute]

    init(_ layer: Model.Layer) {
      name = layer.name
      kind = layer.kind
      inputs = layer.inputs
      outputShape = layer.outputShape.dimensions
      parameters = layer.parameterCount
      macs = layer.macs
      attributes = layer.attributes
    }

    /// A layer of a network that is not known.
    init(_ layer: DescribedLayer) {
      name = layer.name
      kind = layer.className
      inputs = []
      outputShape = []
      parameters = layer.parameters
      macs = 0
      attributes = []
    }

    /// Its window and activation for people, for example `3x3/2, same, relu` with a stride of 2; what changes
    /// nothing is left out.
    public var details: String {
      var parts: [String] = []
      if let window = extents("kernel") ?? extents("pool_size") {
        let strides = extents("strides") ?? []
        let isSquare = strides.allSatisfy { $0 == strides.first }
        let stride = isSquare ? strides.first.map(String.init) ?? "1" : Self.text(strides)
        parts.append(Self.text(window) + (stride == "1" ? "" : "/\(stride)"))
      }
      switch self["padding"] {
      case .string(let padding)?: parts.append(padding)
      case .ints(let edges)?: parts.append("padding \(edges.map(String.init).joined(separator: " "))")
      default: break
      }
      if let dilation = extents("dilation"), dilation.contains(where: { $0 != 1 }) {
        parts.append("dilation \(Self.text(dilation))")
      }
      if case .int(let groups)? = self["groups"], groups != 1 { parts.append("\(groups) groups") }
      if case .int(let multiplier)? = self["multiplier"], multiplier != 1 {
        parts.append("multiplier \(multiplier)")
      }
      if case .string(let activation)? = self["activation"], activation != "linear" {
        if case .double(let most)? = self["max_value"] {
          parts.append("\(activation)\(most == most.rounded() ? "\(Int(most))" : " to \(most)")")
        } else {
          parts.append(activation)
        }
      }
      return parts.joined(separator: ", ")
    }

    private subscript(_ name: String) -> AttributeValue? { attributes.first { $0.name == name }?.value }

    private func extents(_ name: String) -> [Int]? {
      guard case .ints(let extents)? = self[name] else { return nil }
      return extents
    }

    private static func text(_ extents: [Int]) -> String { extents.map(String.init).joined(separator: "x") }

    // MARK: As JSON

    enum CodingKeys: String, CodingKey {
      case name, kind, inputs
      case outputShape = "output_shape"
      case parameters, macs, kernel, strides, padding, dilation, groups, activation, attributes
    }

    /// Writes what most layers with windows have under keys of their own, and all that the operation is given as
    /// `attributes`.
    public func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(name, forKey: .name)
      try container.encode(kind, forKey: .kind)
      try container.encode(inputs, forKey: .inputs)
      try container.encode(outputShape, forKey: .outputShape)
      try container.encode(parameters, forKey: .parameters)
      try container.encode(macs, forKey: .macs)
      try container.encodeIfPresent(extents("kernel") ?? extents("pool_size"), forKey: .kernel)
      for key in [CodingKeys.strides, .padding, .dilation, .groups, .activation] {
        try container.encodeIfPresent(self[key.rawValue].map(EncodableAttribute.init), forKey: key)
      }
      guard !attributes.isEmpty else { return }
      let all = attributes.map { ($0.name, EncodableAttribute($0.value)) }
      try container.encode(Dictionary(all, uniquingKeysWith: { first, _ in first }), forKey: .attributes)
    }
  }
}

/// An attribute's value as JSON.
private struct EncodableAttribute: Encodable {
  let value: AttributeValue

  init(_ value: AttributeValue) { self.value = value }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch value {
    case .int(let value): try container.encode(value)
    case .double(let value): try container.encode(value)
    case .bool(let value): try container.encode(value)
    case .string(let value): try container.encode(value)
    case .ints(let values): try container.encode(values)
    case .doubles(let values): try container.encode(values)
    }
  }
}
