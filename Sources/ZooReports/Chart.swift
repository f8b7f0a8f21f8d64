import ZooSystem

/// Charts as inline pictures (SVG) whose colours follow the page; each has its values as text too.
package enum Chart {
  /// In units of the picture, which are a little under a pixel on a telephone and a little over one elsewhere.
  static let width = 400.0

  /// A chart with its caption.
  ///
  /// - Parameters:
  ///   - title: what it shows; read aloud before ``description``.
  ///   - description: what can be seen in it, for who can't.
  static func figure(_ title: String, description: String, height: Double, _ content: HTML) -> HTML {
    """
    <figure><figcaption>\(title)</figcaption>
    <svg class="chart" viewBox="0 0 \(width) \(height)" role="img" aria-label="\(title). \(description)">
    \(content)</svg></figure>
    """
  }

  /// Round numbers from 0 or below to `maximum` or above, about `count` of them.
  package static func ticks(_ range: ClosedRange<Double>, count: Int = 5) -> [Double] {
    let span = range.upperBound - range.lowerBound
    guard span > 0, span.isFinite, count > 0 else { return [range.lowerBound] }
    let rough = span / Double(count)
    let power = pow(10, log10(rough).rounded(.down))
    let step = [1, 2, 5, 10].map { $0 * power }.first { $0 >= rough * 0.999 } ?? power * 10
    let first = (range.lowerBound / step - 1e-9).rounded(.up)
    let last = (range.upperBound / step + 1e-9).rounded(.down)
    guard last >= first, last - first < 100 else { return [range.lowerBound] }
    return (0...Int(last - first)).map { (first + Double($0)) * step }
  }

  /// A number beside an axis: at most four digits.
  package static func label(_ value: Double) -> String {
    if value == 0 { return "0" }
    if abs(value) >= 10_000 || abs(value) < 0.001 { return significant(value) }
    var text = decimal(value, abs(value) >= 100 ? 0 : abs(value) >= 1 ? 2 : 4)
    if text.contains(".") {
      while text.hasSuffix("0") { text.removeLast() }
      if text.hasSuffix(".") { text.removeLast() }
    }
    return text
  }

  /// A name in at most `count` characters, with … in the middle where something is left out.
  static func shortened(_ name: String, to count: Int) -> String {
    guard name.count > count, count > 4 else { return name }
    let tail = (count - 1) / 2
    return name.prefix(count - 1 - tail) + "…" + name.suffix(tail)
  }
}

// MARK: Axes

/// Where the values of a chart lie.
struct ChartFrame {
  let x: ClosedRange<Double>
  let y: ClosedRange<Double>
  let left: Double
  let right: Double
  let top: Double
  let bottom: Double

  func across(_ value: Double) -> Double { place(value, in: x, from: left, to: right) }
  func up(_ value: Double) -> Double { place(value, in: y, from: bottom, to: top) }

  private func place(_ value: Double, in range: ClosedRange<Double>, from: Double, to: Double) -> Double {
    let span = range.upperBound - range.lowerBound
    guard span > 0, value.isFinite else { return from }
    return from + min(max((value - range.lowerBound) / span, -0.05), 1.05) * (to - from)
  }

  /// Both axes with ticks, grid lines and names.
  func axes(
    _ xName: String, _ yName: String, text: (Double) -> String = Chart.label,
    yText: (Double) -> String = Chart.label
  ) -> HTML {
    let across = Chart.ticks(x).map { tick -> HTML in
      let place = self.across(tick)
      return """
        <line class="grid" x1="\(place)" y1="\(top)" x2="\(place)" y2="\(bottom)"/>\
        <text class="tick" x="\(place)" y="\(bottom + 15)" text-anchor="middle">\(text(tick))</text>
        """
    }
    let up = Chart.ticks(y).map { tick -> HTML in
      let place = self.up(tick)
      return """
        <line class="grid" x1="\(left)" y1="\(place)" x2="\(right)" y2="\(place)"/>\
        <text class="tick" x="\(left - 6)" y="\(place + 4)" text-anchor="end">\(yText(tick))</text>
        """
    }
    return """
      \(across.joined())\(up.joined())<path class="axis" d="M\(left) \(top)V\(bottom)H\(right)"/>\
      <text x="\((left + right) / 2)" y="\(bottom + 32)" text-anchor="middle">\(xName)</text>\
      <text x="\(left)" y="\(top - 9)" text-anchor="start">\(yName)</text>
      """
  }
}
