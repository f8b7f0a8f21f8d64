import ZooSystem

extension Chart {
  /// A point of a map, with a picture or a coloured dot.
  package struct Point: Sendable {
    package let x: Double
    package let y: Double
    /// The number of its group.
    package let group: Int
    package let label: String
    /// The address of a picture, see ``Image/dataURI(within:quality:)``.
    package let picture: String?
    /// What a page's own program knows the point by: its `data-key`.
    package let key: String?

    package init(
      x: Double, y: Double, group: Int, label: String, picture: String? = nil, key: String? = nil
    ) {
      self.x = x
      self.y = y
      self.group = group
      self.label = label
      self.picture = picture
      self.key = key
    }
  }

  /// A map of points by group; groups differ in colour, and in shape too up to eight.
  package static func scatter(_ title: String, _ points: [Point], groups: [String]) -> HTML {
    let shown = points.filter { $0.x.isFinite && $0.y.isFinite }
    guard let first = shown.first else { return "" }
    let xs = shown.reduce(first.x...first.x) { min($0.lowerBound, $1.x)...max($0.upperBound, $1.x) }
    let ys = shown.reduce(first.y...first.y) { min($0.lowerBound, $1.y)...max($0.upperBound, $1.y) }
    let frame = ChartFrame(x: xs, y: ys, left: 16, right: width - 16, top: 16, bottom: 304)
    let marks = shown.map { point -> HTML in
      let (x, y) = (frame.across(point.x), frame.up(point.y))
      let mark: HTML =
        if let picture = point.picture {
          """
          <image href="\(picture)" x="\(x - 12)" y="\(y - 12)" width="24" height="24"/>\
          <rect class="l\(point.group % 8)" x="\(x - 12)" y="\(y - 12)" width="24" height="24" fill="none" \
          stroke-width="1.6"/>
          """
        } else {
          symbol(point.group, x, y)
        }
      let key: HTML = point.key.map { " data-key=\"\($0)\"" } ?? ""
      return "<g\(key)><title>\(point.label)</title>\(mark)</g>"
    }
    let counts = groups.enumerated().map { index, name in
      "\(name): \(shown.count { $0.group == index })"
    }
    let legend = groups.enumerated().map { index, name -> HTML in
      "<li><svg viewBox=\"0 0 12 12\" aria-hidden=\"true\">\(symbol(index, 6, 6))</svg>\(name)</li>"
    }
    let border: HTML = """
      <rect class="grid" x="0.5" y="0.5" width="\(width - 1)" height="319" rx="6"/>
      """
    return "<ul class=\"legend\">\(legend.joined())</ul>"
      + figure(
        title, description: counts.joined(separator: ", "), height: 320, border + marks.joined())
  }

  /// Circle, square, triangle and diamond in turn, so that not the colour alone tells groups apart.
  private static func symbol(_ group: Int, _ x: Double, _ y: Double) -> HTML {
    let series = group % 8
    return switch group % 4 {
    case 0: "<circle class=\"s\(series)\" cx=\"\(x)\" cy=\"\(y)\" r=\"4\" opacity=\".85\"/>"
    case 1:
      "<rect class=\"s\(series)\" x=\"\(x - 3.6)\" y=\"\(y - 3.6)\" width=\"7.2\" height=\"7.2\" opacity=\".85\"/>"
    case 2: "<path class=\"s\(series)\" d=\"M\(x) \(y - 4.6)l4.4 8h-8.8z\" opacity=\".85\"/>"
    default: "<path class=\"s\(series)\" d=\"M\(x) \(y - 5)l5 5l-5 5l-5 -5z\" opacity=\".85\"/>"
    }
  }

  /// Predicted over true numbers: on the diagonal where they are right.
  package static func predictions(
    _ title: String, _ points: [(truth: Double, prediction: Double, label: String)]
  ) -> HTML {
    let shown = points.filter { $0.truth.isFinite && $0.prediction.isFinite }
    guard let first = shown.first else { return "" }
    let range = shown.reduce(first.truth...first.truth) {
      min($0.lowerBound, $1.truth, $1.prediction)...max($0.upperBound, $1.truth, $1.prediction)
    }
    let frame = ChartFrame(x: range, y: range, left: 62, right: 332, top: 24, bottom: 294)
    let marks = shown.map { point -> HTML in
      """
      <circle class="s0" cx="\(frame.across(point.truth))" cy="\(frame.up(point.prediction))" r="3.5" opacity=".6">\
      <title>\(point.label): \(label(point.prediction)), true \(label(point.truth))</title></circle>
      """
    }
    let diagonal: HTML = """
      <path class="limit" d="M\(frame.left) \(frame.bottom)L\(frame.right) \(frame.top)"/>
      """
    let description =
      "\(shown.count) predictions from \(label(range.lowerBound)) to \(label(range.upperBound))"
    return figure(
      title, description: description, height: 332,
      frame.axes("true", "predicted") + diagonal + marks.joined())
  }

  /// How often a class (rows) was taken for each class (columns), as a table with shades.
  ///
  /// - Parameter counts: a row for each true class, with a number for each predicted one.
  package static func confusion(_ title: String, classes: [String], counts: [[Int]]) -> HTML {
    let head = classes.map { name -> HTML in
      "<th scope=\"col\" title=\"\(name)\">\(shortened(name, to: 16))</th>"
    }
    let rows = zip(classes, counts).enumerated().map { row, line -> HTML in
      let (name, counts) = line
      let total = Double(max(1, counts.reduce(0, +)))
      let cells = counts.enumerated().map { column, count -> HTML in
        let share = Double(count) / total
        let colour = row == column ? "var(--c0)" : "var(--c1)"
        let shade: HTML =
          count == 0
          ? " class=\"faint\""
          : """
           style="background:color-mix(in srgb,\(colour) \(Int(10 + 60 * share))%,var(--card))"
          """
        let other = row == column ? "right" : "taken for \(column < classes.count ? classes[column] : "")"
        return
          "<td\(shade) title=\"\(name) \(other): \(count), \(Int((share * 100).rounded())) %\">\(count)</td>"
      }
      return "<tr><th scope=\"row\" title=\"\(name)\">\(name)</th>\(cells.joined())</tr>"
    }
    // Names of many columns stand upright, so that more of the matrix is seen at once.
    let upright: HTML = classes.count > 8 ? " upright" : ""
    return """
      <figure><figcaption>\(title)</figcaption><div class="scroll" tabindex="0"><table class="heat\(upright)">
      <thead><tr><th scope="col" class="faint">true ↓ predicted →</th>\(head.joined())</tr></thead>
      <tbody>\(rows.joined())</tbody></table></div></figure>
      """
  }
}
