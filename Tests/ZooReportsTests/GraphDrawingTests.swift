import Foundation
import Testing
import ZooGraph
import ZooSystem
import ZooTensor
import ZooTestSupport

import ZooReports

#if canImport(FoundationXML)
  import FoundationXML
#endif

/// Pictures of networks show every layer once, with lines that end at boxes, and boxes that do not touch.
@Suite("pictures of networks")
struct GraphDrawingTests {
  private static func network(_ name: String) throws -> Graph {
    let network = try #require(KnownNetwork.all.first { $0.architecture == name })
    return try network.graph()
  }

  private static func check(_ graph: Graph) throws {
    let drawing = try GraphDrawing(graph, title: "network")
    // Every layer is in one stack, every stack in one segment, every segment in one unit.
    #expect(drawing.stacks.flatMap(\.nodes).sorted() == Array(graph.nodes.indices))
    #expect(drawing.segments.flatMap { Array($0.stacks) } == Array(drawing.stacks.indices))
    #expect(drawing.units.flatMap { Array($0.segments) } == Array(drawing.segments.indices))
    for (index, stack) in drawing.stacks.enumerated() { #expect(stack.inputs.allSatisfy { $0 < index }) }
    for (upper, lower) in zip(drawing.segments, drawing.segments.dropFirst()) {
      #expect(upper.exits == lower.entries)
    }
    let heights = drawing.stacks.map { _ in 60.0 }
    for segment in drawing.segments {
      let layout = SegmentLayout(segment, stacks: drawing.stacks, heights: heights)
      let boxes = layout.vertices.filter { if case .box = $0.kind { true } else { false } }
      #expect(boxes.count == segment.stacks.count)
      for layer in Dictionary(grouping: boxes, by: \.layer).values {
        let sorted = layer.sorted { $0.x < $1.x }
        for (left, right) in zip(sorted, sorted.dropFirst()) {
          #expect(right.x - left.x >= SegmentLayout.boxWidth)
        }
      }
      // Each stack reads what it reads, once.
      let read = segment.stacks.reduce(0) { $0 + drawing.stacks[$1].inputs.count }
      #expect(layout.lines.count == read + segment.exits.count)
      for line in layout.lines {
        let path = line.path.map { layout.vertices[$0] }
        for (upper, lower) in zip(path, path.dropFirst()) {
          #expect(lower.layer == upper.layer + 1 && lower.y >= upper.y + upper.height)
        }
      }
    }
    let svg = drawing.svg
    let parser = XMLParser(data: Data(svg.utf8))
    #expect(parser.parse(), "\(String(describing: parser.parserError))")
    #expect(svg.components(separatedBy: "data-i=").count == graph.nodes.count + 1)
  }

  @Test(arguments: ["vgg16", "resnet50", "mobilenet", "nasnetmobile"])
  func catalogue(name: String) throws { try Self.check(Self.network(name)) }

  @Test func repeatedBlocksAreFolded() throws {
    let resnet = try GraphDrawing(Self.network("resnet50"), title: "r")
    #expect(resnet.units.filter { $0.copies > 1 }.map(\.copies) == [2, 3, 5, 2])
    let mobilenet = try GraphDrawing(Self.network("mobilenet"), title: "m")
    #expect(mobilenet.units.contains { $0.copies == 5 && $0.period == 2 })
    let page = try resnet.page(subtitle: "x", weights: [:]).html
    #expect(page.components(separatedBy: "<details").count - 1 >= 16)
    #expect(page.components(separatedBy: "data-i=\"").count == resnet.graph.nodes.count + 1)
    #expect(page.contains("conv4_block2 … conv4_block6") || page.contains("5 ×"))
  }

  /// Two inputs, one of which is read late, and three outputs, one inside.
  @Test func severalInputsAndOutputs() throws {
    let dense = Operation.dense(Dense(units: 4, useBias: true))
    let graph = try Graph(
      layers: [
        .init(name: "image", operation: .input(shape: [8, 8, 3]), inputs: []),
        .init(name: "sex", operation: .input(shape: [1]), inputs: []),
        .init(name: "flat", operation: .flatten, inputs: [0]),
        .init(name: "d1", operation: dense, inputs: [2]),
        .init(name: "d2", operation: dense, inputs: [3]),
        .init(name: "join", operation: .concatenate, inputs: [4, 1]),
        .init(name: HTMLTests.hostile, operation: dense, inputs: [5]),
        .init(name: "other", operation: dense, inputs: [4]),
      ], outputs: [6, 7, 3])
    try Self.check(graph)
    let drawing = try GraphDrawing(graph, title: HTMLTests.hostile)
    #expect(drawing.svg.components(separatedBy: ">Output<").count == 4)
    // The late input stands after what it does not wait for.
    let place = drawing.stacks.firstIndex { $0.nodes == [1] }
    #expect(place.map { $0 > 1 } == true)
    let page = try drawing.page(subtitle: "\(HTMLTests.hostile)", weights: [:]).html
    for text in [drawing.svg, page] { #expect(!text.contains("<script>alert")) }
    #expect(!drawing.svg.contains("onclick='x'"))
  }

  @Test func hugeAndTangledNetworksEnd() throws {
    // Every layer reads the two before it and the first: no narrow place, many long lines.
    var layers: [Graph.Layer] = [.init(name: "i", operation: .input(shape: [4]), inputs: [])]
    for index in 1..<1200 {
      layers.append(.init(name: "l\(index)", operation: .add, inputs: [index - 1, max(0, index - 2), 0]))
    }
    let drawing = try GraphDrawing(Graph(layers: layers, outputs: [1199]), title: "t")
    #expect(drawing.svg.utf8.count < 4_000_000)
    layers = [.init(name: "i", operation: .input(shape: [4]), inputs: [])]
    for index in 1...GraphDrawing.layerLimit {
      layers.append(.init(name: "l\(index)", operation: .activation(.relu), inputs: [index - 1]))
    }
    let graph = try Graph(layers: layers, outputs: [GraphDrawing.layerLimit])
    #expect(throws: ZooError.self) { try GraphDrawing(graph, title: "t") }
  }

  @Test func summariesCountEverything() {
    let values: [Float] = [-1, 0, 0, 1, .nan, .infinity, 0.5]
    let summary = TensorSummary(name: "w", tensor: StoredTensor(shape: [7], values: values))
    #expect(summary.least == -1 && summary.largest == 1 && summary.zeros == 2 && summary.faults == 2)
    #expect(abs(summary.mean - 0.1) < 1e-12 && summary.counts.reduce(0, +) == 5 && summary.counts[16] == 2)
    let constant = TensorSummary(name: "w", tensor: StoredTensor(shape: [3], values: [2, 2, 2]))
    #expect(constant.deviation == 0 && constant.counts[16] == 3)
    #expect(TensorSummary(name: "w", tensor: StoredTensor(shape: [1], values: [.nan])).faults == 1)
  }
}
