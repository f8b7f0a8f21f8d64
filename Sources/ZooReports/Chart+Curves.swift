import ZooSystem

extension Chart {
  /// Points that a line joins, in their order.
  package struct Series: Sendable {
    package let name: String
    package let points: [(x: Double, y: Double)]

    package init(_ name: String, _ points: [(x: Double, y: Double)]) {
      self.name = name
      self.points = points
    }
  }

  /// Lines over a common axis.
  ///
  /// - Parameters:
  ///   - y: what the vertical axis covers; by default from 0, or the least value below it, to the largest.
  ///   - text: what is written below the horizontal axis at a value.
  ///   - hasDots: whether each point is marked, with its values for who points at it.
  package static func lines(
    _ title: String, x xName: String, y yName: String, _ series: [Series],
    range y: ClosedRange<Double>? = nil,
    text: (Double) -> String = Chart.label, hasDots: Bool = false
  ) -> HTML {
    let points = series.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
    guard let first = points.first else { return "" }
    let xs = points.reduce(first.x...first.x) { min($0.lowerBound, $1.x)...max($0.upperBound, $1.x) }
    let ys = points.reduce(min(0, first.y)...max(0, first.y)) {
      min($0.lowerBound, $1.y)...max($0.upperBound, $1.y)
    }
    let frame = ChartFrame(x: xs, y: y ?? ys, left: 52, right: width - 12, top: 24, bottom: 200)
    let paths = series.enumerated().map { index, series -> HTML in
      let places = series.points.filter { $0.x.isFinite && $0.y.isFinite }.enumerated().map { index, point in
        "\(index == 0 ? "M" : "L")\(HTML.number(frame.across(point.x))) \(HTML.number(frame.up(point.y)))"
      }
      let dots = series.points.filter { hasDots && $0.x.isFinite && $0.y.isFinite }.map { point -> HTML in
        """
        <circle class="s\(index % 8)" cx="\(frame.across(point.x))" cy="\(frame.up(point.y))" r="3.5">\
        <title>\(text(point.x)): \(label(point.y))</title></circle>
        """
      }
      return "<path class=\"lines l\(index % 8)\" d=\"\(places.joined())\"/>\(dots.joined())"
    }
    let description = series.map { series in
      let last = series.points.last.map { ", last \(label($0.y))" } ?? ""
      return "\(series.name): \(series.points.count) points\(last)"
    }.joined(separator: "; ")
    let legend: HTML = series.count > 1 ? HTML.legend(series.map(\.name)) : ""
    return legend
      + figure(
        title, description: description, height: 238, frame.axes(xName, yName, text: text) + paths.joined())
  }

  /// Predictions of about the same stated probability.
  package struct Reliability: Sendable {
    /// The mean of the probabilities.
    package let confidence: Double
    /// The share of them that was right, and from where to where that may lie.
    package let accuracy: Double
    package let interval: ClosedRange<Double>?
    package let count: Int

    package init(confidence: Double, accuracy: Double, interval: ClosedRange<Double>?, count: Int) {
      self.confidence = confidence
      self.accuracy = accuracy
      self.interval = interval
      self.count = count
    }
  }

  /// How often predictions of each probability were right: on the diagonal where probabilities mean what they say.
  package static func reliability(_ title: String, _ bins: [Reliability]) -> HTML {
    let frame = ChartFrame(x: 0...1, y: 0...1, left: 52, right: 322, top: 24, bottom: 294)
    let most = Double(max(1, bins.map(\.count).max() ?? 1))
    let marks = bins.filter { $0.count > 0 }.map { bin -> HTML in
      let (x, y) = (frame.across(bin.confidence), frame.up(bin.accuracy))
      var range: HTML = ""
      if let interval = bin.interval {
        range =
          "<path class=\"range\" d=\"M\(x) \(frame.up(interval.lowerBound))V\(frame.up(interval.upperBound))\"/>"
      }
      return """
        <g><title>\(label(bin.confidence)) stated, \(label(bin.accuracy)) right, \(bin.count) predictions</title>\
        \(range)<circle class="s0" cx="\(x)" cy="\(y)" r="\(3 + 6 * (Double(bin.count) / most).squareRoot())"/></g>
        """
    }
    let diagonal: HTML = """
      <path class="limit" d="M\(frame.left) \(frame.bottom)L\(frame.right) \(frame.top)"/>
      """
    let description = bins.filter { $0.count > 0 }.map {
      "of \($0.count) predictions at \(label($0.confidence)), \(label($0.accuracy)) were right"
    }.joined(separator: "; ")
    return figure(
      title, description: description, height: 332,
      frame.axes("stated probability", "share that was right") + diagonal + marks.joined())
  }
}
