import ZooSystem

extension Chart {
  /// A bar with its name.
  package struct Bar: Sendable {
    package let label: String
    package let value: Double
    /// From where to where the value may lie, where that is known.
    package var interval: ClosedRange<Double>?
    /// What the value should not exceed.
    package var limit: Double?
    /// The number of its colour.
    package var series: Int
    /// What is written behind the bar.
    package var note: String

    package init(
      _ label: String, _ value: Double, interval: ClosedRange<Double>? = nil, limit: Double? = nil,
      series: Int = 0, note: String? = nil
    ) {
      self.label = label
      self.value = value
      self.interval = interval
      self.limit = limit
      self.series = series
      self.note = note ?? Chart.label(value)
    }
  }

  /// Bars from left to right below each other, with error bars and limits.
  ///
  /// - Parameter maximum: what takes the whole width; by default the largest value, interval or limit.
  package static func bars(_ title: String, _ bars: [Bar], maximum: Double? = nil) -> HTML {
    guard !bars.isEmpty else { return "" }
    let row = 22.0
    let characters = min(26, bars.map(\.label.count).max() ?? 0)
    let left = Double(characters) * 6.6 + 8
    let notes = Double(bars.map(\.note.count).max() ?? 0) * 6.6 + 8
    let extents = bars.flatMap { [$0.value, $0.interval?.upperBound ?? 0, $0.limit ?? 0] }.filter(\.isFinite)
    let largest = maximum ?? max(extents.max() ?? 0, 1e-300)
    let frame = ChartFrame(
      x: 0...max(largest, 1e-300), y: 0...1, left: left, right: max(left + 60, width - notes), top: 4,
      bottom: 4 + row * Double(bars.count))
    let rows = bars.enumerated().map { index, bar -> HTML in
      let y = frame.top + row * Double(index)
      let end = frame.across(max(0, bar.value))
      var marks: HTML = ""
      if let interval = bar.interval {
        let (from, to) = (frame.across(interval.lowerBound), frame.across(interval.upperBound))
        marks += """
          <path class="range" d="M\(from) \(y + 6)v10M\(to) \(y + 6)v10M\(from) \(y + 11)H\(to)"/>
          """
      }
      if let limit = bar.limit, limit.isFinite {
        let place = frame.across(limit)
        marks += "<path class=\"limit\" d=\"M\(place) \(y + 1)v\(row - 2)\"/>"
      }
      let shown = max(end, bar.interval.map { frame.across($0.upperBound) } ?? 0)
      return """
        <g><title>\(bar.label): \(bar.note)</title>\
        <text x="\(left - 6)" y="\(y + 15)" text-anchor="end">\(shortened(bar.label, to: 26))</text>\
        <rect class="s\(bar.series % 8)" x="\(left)" y="\(y + 4)" width="\(max(0.8, end - left))" height="\(row - 8)" \
        rx="2"/>\(marks)<text class="tick" x="\(shown + 6)" y="\(y + 15)">\(bar.note)</text></g>
        """
    }
    let description = bars.prefix(40).map { "\($0.label) \($0.note)" }.joined(separator: ", ")
    return figure(
      title, description: description, height: frame.bottom + 6,
      rows.joined() + "<path class=\"axis\" d=\"M\(left) \(frame.top)V\(frame.bottom)\"/>")
  }

  /// How often values fall into classes of equal width.
  package static func histogram(
    _ title: String, counts: [Int], range: ClosedRange<Double>, series: Int = 0
  ) -> HTML {
    let most = Double(max(1, counts.max() ?? 1))
    let frame = ChartFrame(x: range, y: 0...most, left: 52, right: width - 12, top: 22, bottom: 150)
    let step = (frame.right - frame.left) / Double(max(1, counts.count))
    let bars = counts.enumerated().map { index, count -> HTML in
      let top = frame.up(Double(count))
      return """
        <rect class="s\(series % 8)" x="\(frame.left + step * Double(index) + 0.4)" y="\(top)" \
        width="\(max(0.4, step - 0.8))" height="\(frame.bottom - top)"/>
        """
    }
    let description =
      "\(grouped(counts.reduce(0, +))) values from \(label(range.lowerBound)) to \(label(range.upperBound))"
    return figure(
      title, description: description, height: 170, frame.axes("", "number") + bars.joined())
  }

  /// A histogram the size of a word.
  package static func spark(_ counts: [Int], series: Int = 0) -> HTML {
    let most = Double(max(1, counts.max() ?? 1))
    let bars = counts.enumerated().map { index, count -> HTML in
      let height = count == 0 ? 0 : max(0.7, Double(count) / most * 22)
      return
        "<rect class=\"s\(series)\" x=\"\(index * 3)\" y=\"\(24 - height)\" width=\"2.6\" height=\"\(height)\"/>"
    }
    return """
      <svg class="spark" viewBox="0 0 \(counts.count * 3) 24" width="\(counts.count * 3)" height="24" \
      aria-hidden="true">\(bars.joined())</svg>
      """
  }
}

extension Chart {
  /// A column for each of many values, as shares of what is allowed; the axis is logarithmic.
  ///
  /// - Parameter values: with their names; what is not positive has no column.
  package static func shares(_ title: String, y yName: String, _ values: [(label: String, value: Double)])
    -> HTML
  {
    guard !values.isEmpty else { return "" }
    let positive = values.map(\.value).filter { $0 > 0 && $0.isFinite }
    let least = min(0.001, pow(10, log10(positive.min() ?? 0.001).rounded(.down)))
    let low = log10(max(least, 1e-9))
    let high = max(0.3, log10(max(positive.max() ?? 1, 1)) + 0.2)
    let frame = ChartFrame(
      x: 0...Double(values.count), y: low...high, left: 52, right: width - 12, top: 24, bottom: 190)
    let step = (frame.right - frame.left) / Double(values.count)
    let columns = values.enumerated().map { index, entry -> HTML in
      let isOver = !(entry.value <= 1)
      let top = entry.value > 0 ? frame.up(entry.value.isFinite ? log10(entry.value) : high) : frame.bottom
      return """
        <rect class="s\(isOver ? 1 : 0)" x="\(frame.left + step * Double(index) + min(0.6, step * 0.1))" y="\(top)" \
        width="\(max(0.4, step - min(1.2, step * 0.2)))" height="\(max(0, frame.bottom - top))"><title>\(entry.label): \
        \(percent(entry.value))</title></rect>
        """
    }
    let ticks = stride(from: low.rounded(.up), through: 0, by: 1).map { power -> HTML in
      let y = frame.up(power)
      return """
        <line class="grid" x1="\(frame.left)" y1="\(y)" x2="\(frame.right)" y2="\(y)"/>\
        <text class="tick" x="\(frame.left - 6)" y="\(y + 4)" text-anchor="end">\(percent(pow(10, power)))</text>
        """
    }
    let most = values.max { $0.value < $1.value }
    let description =
      "\(values.count) values, the largest \(percent(most?.value ?? 0)) of what is allowed at \(most?.label ?? "")"
    return figure(
      title, description: description, height: 226,
      ticks.joined() + columns.joined() + """
        <path class="axis" d="M\(frame.left) \(frame.top)V\(frame.bottom)H\(frame.right)"/>\
        <path class="limit" d="M\(frame.left) \(frame.up(0))H\(frame.right)"/>\
        <text x="\(frame.left)" y="\(frame.top - 9)">\(yName)</text>\
        <text class="tick" x="\(frame.left)" y="\(frame.bottom + 16)">\(shortened(values.first?.label ?? "", to: 26))</text>\
        <text class="tick" x="\(frame.right)" y="\(frame.bottom + 16)" text-anchor="end">\
        \(shortened(values.last?.label ?? "", to: 26))</text>
        """)
  }

  private static func percent(_ share: Double) -> String { label(share * 100) + " %" }
}
