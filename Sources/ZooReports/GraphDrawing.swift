import ZooGraph
import ZooSystem
import ZooTensor

/// A picture of a network: boxes from top to bottom, residual connections at their side, repeated blocks together.
///
/// ``svg`` is a static picture of everything; ``page(subtitle:weights:)`` is a web page whose blocks unfold and whose
/// layers show their attributes and weights.
package struct GraphDrawing: Sendable {
  /// More layers than this are no picture any more.
  package static let layerLimit = 10_000

  package let graph: Graph
  let title: String
  package let stacks: [LayerStack]
  package let segments: [GraphSegment]
  package let units: [GraphUnit]
  private let heights: [Double]
  private let texts: [LayerText]
  private let isRead: [Bool]
  private let outputs: Set<Int>

  /// Lays out a network.
  ///
  /// - Parameter title: what the picture is called.
  /// - Throws: `ZooError` with the code `ZooError.Code.tooLarge` where it has more than ``layerLimit`` layers.
  package init(_ graph: Graph, title: String) throws(ZooError) {
    guard graph.nodes.count <= Self.layerLimit else {
      throw ZooError(
        .tooLarge, what: "no picture of a network", at: title,
        "\(grouped(graph.nodes.count)) layers, more than \(grouped(Self.layerLimit))",
        remedy: "zoo inspect --layers lists them.")
    }
    self.graph = graph
    self.title = title
    let texts = graph.nodes.map(LayerText.init)
    let outputs = Set(graph.outputs.map(\.index))
    let stacks = LayerStack.all(of: graph)
    var isRead = [Bool](repeating: false, count: stacks.count)
    for stack in stacks { for input in stack.inputs { isRead[input] = true } }
    let segments = GraphSegment.all(of: stacks)
    self.texts = texts
    self.outputs = outputs
    self.stacks = stacks
    self.isRead = isRead
    self.segments = segments
    heights = stacks.map { stack in
      stack.nodes.reduce(0) { $0 + Self.rowHeight(texts[$1], isLarge: Self.isLarge($1, in: stack, graph)) }
        + stack.nodes.reduce(0) { $0 + (outputs.contains($1) ? Self.smallRow : 0) }
    }
    units = GraphUnit.all(
      segments,
      signatures: segments.map { Self.signature(of: $0, graph: graph, stacks: stacks, texts: texts) })
  }

  /// Equal for two segments that are drawn alike.
  private static func signature(
    of segment: GraphSegment, graph: Graph, stacks: [LayerStack], texts: [LayerText]
  ) -> String {
    let first = segment.stacks.lowerBound
    func place(_ stack: Int) -> String {
      segment.entries.firstIndex(of: stack).map { "e\($0)" } ?? "\(stack - first)"
    }
    let parts = segment.stacks.map { index in
      let rows = stacks[index].nodes.map { node in
        let weights = graph.nodes[node].weights.map(\.shape.description).joined()
        return "\(texts[node].title)|\(texts[node].details)|\(graph.nodes[node].shape)|\(weights)"
      }
      return rows.joined(separator: ";") + "<" + stacks[index].inputs.map(place).joined(separator: ",")
    }
    return parts.joined(separator: "\n") + "\n>" + segment.exits.map(place).joined(separator: ",")
  }

  // MARK: Boxes

  static let smallRow = 21.0
  private static let boxWidth = SegmentLayout.boxWidth

  /// Whether a layer has its name in a line of its own.
  private static func isLarge(_ node: Int, in stack: LayerStack, _ graph: Graph) -> Bool {
    if stack.nodes.count == 1 { return true }
    return switch OperationFamily(graph.nodes[node].operation) {
    case .convolution, .dense, .pooling, .merge, .port: true
    default: false
    }
  }

  private static func rowHeight(_ text: LayerText, isLarge: Bool) -> Double {
    isLarge ? (text.details.isEmpty ? 37 : 51) : smallRow
  }

  /// The box of a stack with its upper edge at `y` and its middle at `x`.
  private func box(_ index: Int, x: Double, y: Double) -> HTML {
    let stack = stacks[index]
    let left = x - Self.boxWidth / 2
    var top = y
    var rows: HTML = ""
    for node in stack.nodes {
      let text = texts[node]
      let name = graph.nodes[node].name
      let isLarge = Self.isLarge(node, in: stack, graph)
      let height = Self.rowHeight(text, isLarge: isLarge)
      let series = OperationFamily(graph.nodes[node].operation).series
      var words: HTML = """
        <text class="t" x="\(left + 14)" y="\(top + 15)">\(Chart.shortened(text.title, to: isLarge ? 32 : 20))</text>
        """
      if isLarge {
        if !text.details.isEmpty {
          words +=
            "<text class=\"d\" x=\"\(left + 14)\" y=\"\(top + 29)\">\(Chart.shortened(text.details, to: 37))</text>"
        }
        words +=
          "<text class=\"n\" x=\"\(left + 14)\" y=\"\(top + height - 8)\">\(Chart.shortened(name, to: 33))</text>"
      } else {
        // A bold letter takes about 7, one of a name 6.1.
        let room = Int((Self.boxWidth - 32 - 7 * Double(text.title.count)) / 6.1)
        words += """
          <text class="n" x="\(left + Self.boxWidth - 8)" y="\(top + 14.5)" text-anchor="end">\
          \(Chart.shortened(name, to: max(5, room)))</text>
          """
      }
      rows += """
        <g class="r f\(series)" data-i="\(node)"><title>\(name): \(text.title)\
        \(text.details.isEmpty ? "" : ", " + text.details), \(graph.nodes[node].shape.withCrosses)</title>\
        <rect class="b" x="\(left)" y="\(top)" width="\(Self.boxWidth)" height="\(height)"/>\
        <rect class="e" x="\(left)" y="\(top)" width="5" height="\(height)"/>\(words)</g>
        """
      top += height
      if outputs.contains(node) {
        rows += """
          <g class="f7"><rect class="b" x="\(left)" y="\(top)" width="\(Self.boxWidth)" height="\(Self.smallRow)"/>\
          <rect class="e" x="\(left)" y="\(top)" width="5" height="\(Self.smallRow)"/>\
          <text class="t" x="\(left + 14)" y="\(top + 15)">Output</text></g>
          """
        top += Self.smallRow
      }
    }
    let frame: HTML = """
      <rect class="frame" x="\(left)" y="\(y)" width="\(Self.boxWidth)" height="\(top - y)" rx="4"/>
      """
    guard isRead[index], let last = stack.nodes.last else { return rows + frame }
    return rows + frame
      + "<text class=\"d s\" x=\"\(x + 7)\" y=\"\(top + 13)\">\(graph.nodes[last].shape.withCrosses)</text>"
  }

  // MARK: Segments

  /// A part of the picture around a vertical line in its middle.
  struct Part {
    let content: HTML
    /// From the middle to each side.
    let halfWidth: Double
    let height: Double
  }

  func part(_ segment: GraphSegment) -> Part {
    let layout = SegmentLayout(segment, stacks: stacks, heights: heights)
    var content: HTML = ""
    for line in lines(of: layout) { content += line }
    var halfWidth = SegmentLayout.lane(max(1, segment.entries.count, segment.exits.count)) + 10
    for vertex in layout.vertices {
      halfWidth = max(halfWidth, abs(vertex.x) + vertex.width / 2 + 6)
      guard case .box(let index) = vertex.kind else { continue }
      content += box(index, x: vertex.x, y: vertex.y)
    }
    return Part(content: content, halfWidth: halfWidth, height: layout.height)
  }

  /// The lines, each a smooth curve, with a point where it enters a box. Those of one box enter side by side.
  private func lines(of layout: SegmentLayout) -> [HTML] {
    var arrivals: [Int: [Int]] = [:]
    for (index, line) in layout.lines.enumerated() {
      if let target = line.path.last { arrivals[target, default: []].append(index) }
    }
    var shift = [Double](repeating: 0, count: layout.lines.count)
    for lines in arrivals.values where lines.count > 1 {
      let sorted = lines.sorted { first, second in
        func x(_ line: Int) -> Double { layout.vertices[layout.lines[line].path.dropLast().last ?? 0].x }
        return (x(first), first) < (x(second), second)
      }
      let step = min(34, (Self.boxWidth - 40) / Double(lines.count - 1))
      for (place, line) in sorted.enumerated() {
        shift[line] = (Double(place) - Double(lines.count - 1) / 2) * step
      }
    }
    return layout.lines.enumerated().map { index, line in
      var path = ""
      var previous: (x: Double, y: Double)?
      for (place, vertexIndex) in line.path.enumerated() {
        let vertex = layout.vertices[vertexIndex]
        let isLast = place + 1 == line.path.count
        let isBox = if case .box = vertex.kind { true } else { false }
        let x = vertex.x + (isLast && isBox ? shift[index] : 0)
        let entry = vertex.y - (isLast && isBox ? 5 : 0)
        if let previous {
          let middle = (previous.y + entry) / 2
          path +=
            x == previous.x
            ? "V\(HTML.number(entry))"
            : "C\(HTML.number(previous.x)) \(HTML.number(middle)) \(HTML.number(x)) \(HTML.number(middle)) "
              + "\(HTML.number(x)) \(HTML.number(entry))"
        }
        let leave = vertex.y + vertex.height
        if previous == nil { path += "M\(HTML.number(x)) \(HTML.number(leave))" }
        previous = (x, previous == nil ? leave : vertex.y)
        if isLast, isBox {
          return "<path class=\"w\" d=\"\(path)\"/><path class=\"a\" d=\"M\(x - 4) \(entry - 2)h8l-4 7z\"/>"
        }
      }
      return "<path class=\"w\" d=\"\(path)\"/>"
    }
  }

  /// The rules for boxes and lines, which a picture on its own has too.
  static let style: String = {
    let edges = ["#0072b2", "#d55e00", "#009e73", "#b65a94", "#b98300", "#3a8fc7", "#5b6270", "#8a6d3b"]
    let light = ["#d9e9f5", "#fbe4d5", "#d8f1e8", "#f2e1ed", "#f7ebcb", "#e6f0f8", "#eceef1", "#f1ebdf"]
    let dark = ["#173a52", "#54301a", "#143f33", "#47293d", "#4a3a10", "#22384a", "#2c3138", "#3d3422"]
    func fills(_ colours: [String]) -> String {
      colours.enumerated().map { ".net .f\($0) .b{fill:\($1)}" }.joined()
    }
    return """
      .net text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif;fill:#1c2024;font-size:12px}
      .net .t{font-weight:600}.net .d{font-size:11px;fill:#47505a}
      .net .s{paint-order:stroke;stroke:#fbfbfa;stroke-width:3px;stroke-linejoin:round}
      .net .n{font-size:10px;fill:#5f6872;font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
      .net .w{fill:none;stroke:#8a939d;stroke-width:1.5}.net .a{fill:#8a939d}
      .net .frame{fill:none;stroke:#98a1ab;stroke-width:1}.net .group{fill:none;stroke:#c3cad1;stroke-dasharray:4 4}
      .net .ground{fill:#fbfbfa}
      \(edges.enumerated().map { ".net .f\($0) .e{fill:\($1)}" }.joined())
      \(fills(light))
      @media(prefers-color-scheme:dark){.net text{fill:#e7eaed}.net .d{fill:#bac2ca}.net .s{stroke:#181b1f}.net .n{fill:#9aa4ae}
      .net .w{stroke:#77818b}.net .a{fill:#77818b}.net .frame{stroke:#5d666f}.net .group{stroke:#454d55}
      .net .ground{fill:#14171a}\(fills(dark))}
      """
  }()
}
