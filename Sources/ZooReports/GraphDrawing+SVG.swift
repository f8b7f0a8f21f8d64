import ZooSystem

extension GraphDrawing {
  /// The whole network as one static picture (SVG), which needs no other file.
  package var svg: String {
    let header = 86.0
    var y = header
    var content: HTML = ""
    var halfWidth = 300.0
    for unit in units {
      let top = y
      var width = 0.0
      for index in unit.segments {
        let part = part(segments[index])
        content += "<g transform=\"translate(0 \(y))\">\(part.content)</g>"
        y += part.height
        width = max(width, part.halfWidth)
      }
      halfWidth = max(halfWidth, width + 90)
      guard unit.copies > 1 else { continue }
      content += """
        <rect class="group" x="\(-width - 10)" y="\(top + 4)" width="\(2 * width + 20)" height="\(y - top - 8)" rx="8"/>\
        <text class="t" x="\(-width - 20)" y="\(top + 20)" text-anchor="end">\(unit.copies) ×</text>
        """
    }
    let height = y + 30
    let families = OperationFamily.allCases.enumerated().map { index, family -> HTML in
      let (x, y) = (-290 + Double(index % 4) * 150, 46 + Double(index / 4) * 18)
      return """
        <g class="f\(family.series)"><rect class="e" x="\(x)" y="\(y)" width="10" height="10"/>\
        <text class="d" x="\(x + 15)" y="\(y + 9)">\(family.title)</text></g>
        """
    }
    let picture: HTML = """
      <?xml version="1.0" encoding="UTF-8"?>
      <svg xmlns="http://www.w3.org/2000/svg" class="net" role="img" width="\(2 * halfWidth)" height="\(height)" \
      viewBox="\(-halfWidth) 0 \(2 * halfWidth) \(height)">
      <title>\(title)</title>
      <desc>\(summary)</desc>
      <style>\(HTML(markup: GraphDrawing.style))</style>
      <rect class="ground" x="\(-halfWidth)" width="\(2 * halfWidth)" height="\(height)"/>
      <text class="t" x="0" y="20" text-anchor="middle">\(title)</text>
      <text class="d" x="0" y="36" text-anchor="middle">\(summary)</text>
      \(families.joined())
      \(content)
      </svg>

      """
    return picture.text
  }

  /// Layers, weights and multiplications in a line.
  var summary: String {
    let macs = graph.macs
    return "\(grouped(graph.nodes.count)) layers, \(grouped(graph.parameterCount)) weights"
      + (macs > 0 && macs < Int.max ? ", \(grouped(macs)) multiplications for one example" : "")
  }
}
