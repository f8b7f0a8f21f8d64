import ZooGraph
import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

extension GraphDrawing {
  /// The network as a web page: repeated and branching blocks unfold on a click, and a layer that is clicked shows its
  /// attributes and weights.
  ///
  /// - Parameters:
  ///   - subtitle: what the network is.
  ///   - weights: of each layer by its index among the graph's nodes.
  package func page(subtitle: HTML, weights: [Int: [TensorSummary]]) throws(ZooError) -> Page {
    let boxes = units.map(html).joined()
    let families = OperationFamily.allCases.map { family -> HTML in
      """
      <li><svg class="net" viewBox="0 0 10 10" aria-hidden="true"><g class="f\(family.series)">\
      <rect class="e" width="10" height="10"/></g></svg>\(family.title)</li>
      """
    }.joined()
    let body: HTML = """
      <div class="bar"><input type="search" id="find" placeholder="Find a layer" aria-label="Find a layer" \
      autocomplete="off"><output id="found"></output><button type="button" id="unfold">Unfold all</button>\
      <button type="button" id="fold">Fold all</button></div>
      <ul class="legend">\(families)</ul>
      <div class="split"><div class="canvas" id="canvas" tabindex="0" aria-label="Picture of the network">\
      <div class="column">\(boxes)</div></div>
      <aside id="panel" aria-live="polite"><p class="faint">A click on a layer shows its attributes and weights.</p>\
      </aside></div>
      """
    var page = Page(
      title: title, subtitle: "\(subtitle)<br>\(summary)",
      sections: [.init(id: "network", title: "Network", body: body)])
    page.hasContents = false
    page.isWide = true
    page.style = GraphDrawing.style + GraphDrawing.pageStyle
    page.scripts = [GraphDrawing.script]
    page.data = [("layers", try json(weights))]
    return page
  }

  // MARK: Units

  private func html(_ unit: GraphUnit) -> HTML {
    let indices = Array(unit.segments)
    if unit.copies == 1 { return indices.map { html(segments[$0]) }.joined() }
    let copies = (0..<unit.copies).map { copy -> HTML in
      let range =
        unit.segments.lowerBound + copy * unit.period..<unit.segments.lowerBound + (copy + 1) * unit.period
      let part = Array(segments[range])
      if unit.period == 1 { return html(part[0], isOpen: copy == 0) }
      return folded(
        part, copies: 1, isOpen: copy == 0, part.map { svg($0) }.joined())
    }.joined()
    return folded(Array(segments[unit.segments]), copies: unit.copies, isOpen: false, copies)
  }

  /// A segment: its boxes, or folded where they are many.
  private func html(_ segment: GraphSegment, isOpen: Bool = false) -> HTML {
    segment.stacks.count < 3 ? svg(segment) : folded([segment], copies: 1, isOpen: isOpen, svg(segment))
  }

  private func svg(_ segment: GraphSegment) -> HTML {
    let part = part(segment)
    return """
      <svg class="net" width="\(2 * part.halfWidth)" height="\(part.height)" \
      viewBox="\(-part.halfWidth) 0 \(2 * part.halfWidth) \(part.height)">\(part.content)</svg>
      """
  }

  /// What opens to `content`; folded, a box that says what is in it.
  private func folded(
    _ segments: [GraphSegment], copies: Int, isOpen: Bool, _ content: HTML
  ) -> HTML {
    let nodes = segments.flatMap { $0.stacks.flatMap { stacks[$0].nodes } }
    let layers = nodes.map { graph.nodes[$0] }
    let families = Dictionary(grouping: layers) { OperationFamily($0.operation) }
    let parts = OperationFamily.allCases.compactMap { family -> HTML? in
      guard let count = families[family]?.count else { return nil }
      return "<i class=\"p\(family.series)\" title=\"\(family.title)\">\(count)</i>"
    }.joined()
    let weights = layers.reduce(0) { sum, node in
      sum + (node.sharing == nil ? node.weights.reduce(0) { $0 + $1.shape.elementCount } : 0)
    }
    let kind =
      families[.merge]?.contains { $0.operation == .concatenate } == true
      ? "Branching block" : families[.merge] != nil ? "Residual block" : "Block"
    let times: HTML = copies > 1 ? "<b class=\"times\">\(copies) ×</b> " : ""
    let output = segments.last.flatMap { stacks[$0.stacks.upperBound - 1].nodes.last }
    let shape = output.map { graph.nodes[$0].shape.withCrosses } ?? ""
    let name = names(of: segments, copies: copies)
    let label: HTML = name.isEmpty ? "" : "<span class=\"name\">\(name)</span>"
    let lanes = segments.first?.entries ?? []
    let exits = segments.last?.exits ?? []
    func lines(_ numbers: some Sequence<Int>, when kind: String) -> HTML {
      numbers.map {
        "<s class=\"\(kind)\" style=\"left:calc(50% + \(SegmentLayout.lane($0) - 0.75)px)\"></s>"
      }.joined()
    }
    let passing = lanes.indices.dropFirst().filter { exits.dropFirst().contains(lanes[$0]) }
    let beside =
      lines(passing, when: "closed") + lines(lanes.indices.dropFirst(), when: "opened")
    return """
      <details class="fold"\(isOpen ? HTML(markup: " open") : "")><summary>\
      <span class="closed">\(stub(lanes, passing: exits, isAbove: true))</span>\
      <span class="opened">\(stub(lanes, passing: lanes, isAbove: true))</span>\
      <span class="middle">\(beside)<span class="box">\(times)<strong>\(kind)</strong>\
      <span class="counts">\(parts)</span>\(label)\
      <span class="more">\(grouped(layers.count)) layers, \(grouped(weights)) weights</span></span></span>\
      <span class="closed">\(stub(exits, passing: lanes, isAbove: false, label: exits.isEmpty ? "" : shape))</span>\
      </summary><div class="inside">\(content)</div></details>
      """
  }

  /// What the layers of a folded block are called; of the first and the last of several copies.
  private func names(of segments: [GraphSegment], copies: Int) -> String {
    func name(_ part: some Sequence<GraphSegment>) -> String {
      Self.commonName(
        of: part.flatMap { $0.stacks.flatMap { stacks[$0].nodes } }.map { graph.nodes[$0].name })
    }
    let all = name(segments)
    guard copies > 1 else { return all }
    let (first, last) = (
      name(segments.prefix(segments.count / copies)), name(segments.suffix(segments.count / copies))
    )
    return first.isEmpty || last.isEmpty || first == last ? all : "\(first) … \(last)"
  }

  /// The lines between a folded block and its neighbour above or below.
  ///
  /// - Parameter passing: what is at the block's other end too, and so runs past it.
  private func stub(_ values: [Int], passing: [Int], isAbove: Bool, label: String = "") -> HTML {
    let half = SegmentLayout.lane(max(1, values.count)) + 10
    let lanes = values.enumerated().map { number, value -> HTML in
      let x = SegmentLayout.lane(number)
      if number == 0 { return "<path class=\"w\" d=\"M0 0v\(isAbove ? 20 : 26)\"/>" }
      if passing.dropFirst().contains(value) { return "<path class=\"w\" d=\"M\(x) 0v26\"/>" }
      let side = 96 - 8 * Double(number)
      return isAbove
        ? "<path class=\"w\" d=\"M\(x) 0C\(x) 14 \(side) 6 \(side) 26\"/>"
        : "<path class=\"w\" d=\"M\(side) 0C\(side) 20 \(x) 12 \(x) 26\"/>"
    }.joined()
    let arrow: HTML = isAbove && !values.isEmpty ? "<path class=\"a\" d=\"M-4 19h8l-4 7z\"/>" : ""
    return """
      <svg class="net" width="\(2 * half)" height="26" viewBox="\(-half) 0 \(2 * half) 26" aria-hidden="true">\
      \(lanes)\(arrow)<text class="d" x="7" y="14">\(label)</text></svg>
      """
  }

  /// What all names begin with, up to a separator: `conv2_block1` of `conv2_block1_0_conv` and `conv2_block1_add`.
  static func commonName(of names: [String]) -> String {
    guard let first = names.first else { return "" }
    var common = Array(first.unicodeScalars)
    for name in names.dropFirst() {
      common = zip(common, name.unicodeScalars).prefix { $0 == $1 }.map(\.0)
    }
    let separators: Set<Unicode.Scalar> = ["_", "/", ".", "-"]
    let end = common.lastIndex(where: separators.contains) ?? 0
    return end < 2 ? "" : String(String.UnicodeScalarView(common[..<end]))
  }

  // MARK: Values

  private struct LayerData: Encodable {
    let n: String
    let k: String
    let s: String
    let i: [Int]
    let a: [[String]]
    let p: Int
    let m: Int
    let w: [TensorSummary]
    let f: Int
    let x: Int?
  }

  private func json(_ weights: [Int: [TensorSummary]]) throws(ZooError) -> String {
    let layers = graph.nodes.enumerated().map { index, node in
      LayerData(
        n: node.name, k: node.operation.kind, s: node.shape.withCrosses, i: node.inputs.map(\.index),
        a: node.operation.attributes.map { [$0.0, Self.text($0.1, of: $0.0)] },
        p: node.sharing == nil ? node.weights.reduce(0) { $0 + $1.shape.elementCount } : 0,
        m: graph.macs(of: node), w: weights[index] ?? [], f: OperationFamily(node.operation).series,
        x: node.sharing?.index)
    }
    return try ZooError.wrap { String(decoding: try JSONEncoder().encode(layers), as: UTF8.self) }
  }

  private static func text(_ value: AttributeValue, of name: String) -> String {
    let isExtent = ["kernel", "strides", "dilation", "pool_size"].contains(name)
    func list<Element>(_ values: [Element]) -> String {
      values.prefix(16).map { "\($0)" }.joined(separator: isExtent ? "×" : ", ")
        + (values.count > 16 ? ", …" : "")
    }
    return switch value {
    case .int(let value): "\(value)"
    case .double(let value): "\(value)"
    case .bool(let value): value ? "yes" : "no"
    case .string(let value): value
    case .ints(let values): list(values)
    case .doubles(let values): list(values)
    }
  }
}
