// The small parts of pages.

/// A table whose headings sort, and which can be searched.
package struct DataTable: Sendable {
  package struct Column: Sendable {
    let title: String
    fileprivate let style: String

    /// - Parameters:
    ///   - isNumber: whether it is aligned at its right edge.
    ///   - isLong: whether its cells are sentences, which need room.
    package init(_ title: String, isNumber: Bool = false, isLong: Bool = false) {
      self.title = title
      style = isNumber ? "number" : isLong ? "long" : ""
    }
  }

  /// A cell; what it is sorted by where that is a number.
  package struct Cell: Sendable {
    let content: HTML
    let value: Double?

    package init(_ content: HTML, value: Double? = nil) {
      self.content = content
      self.value = value
    }
  }

  let columns: [Column]
  let hasSearch: Bool
  private var rows: [HTML] = []

  package init(_ columns: [Column], hasSearch: Bool = false) {
    self.columns = columns
    self.hasSearch = hasSearch
  }

  package var isEmpty: Bool { rows.isEmpty }

  package mutating func add(_ cells: [Cell]) {
    let row = zip(columns, cells).map { column, cell -> HTML in
      let value: HTML = cell.value.map { "\" data-value=\"\($0.isFinite ? "\($0)" : "1e308")" } ?? ""
      return "<td class=\"\(column.style)\(value)\">\(cell.content)</td>"
    }
    rows.append("<tr>\(row.joined())</tr>\n")
  }

  package var html: HTML {
    let head = columns.map { column -> HTML in
      "<th scope=\"col\" class=\"\(column.style)\">\(column.title)</th>"
    }
    let search: HTML = hasSearch ? " data-search" : ""
    return """
      <div><div class="scroll" tabindex="0"><table class="data"\(search)><thead><tr>\(head.joined())</tr></thead>
      <tbody>\(rows.joined())</tbody></table></div></div>
      """
  }
}

extension HTML {
  /// What something is and its value, a line each.
  package static func facts(_ rows: [(label: String, value: HTML)]) -> HTML {
    "<dl class=\"facts\">\(rows.map { label, value -> HTML in "<dt>\(label)</dt><dd>\(value)</dd>" }.joined())</dl>"
  }

  /// Numbers that matter most, side by side.
  package static func tiles(_ tiles: [(value: String, label: String)]) -> HTML {
    let parts = tiles.map { value, label -> HTML in
      "<div class=\"tile\"><b>\(value)</b><span>\(label)</span></div>"
    }
    return "<div class=\"tiles\">\(parts.joined())</div>"
  }

  /// What a ``badge(_:_:)`` means.
  package enum Mood: String, Sendable { case good, bad, doubt }

  /// A verdict in a word or two.
  package static func badge(_ text: String, _ mood: Mood) -> HTML {
    "<span class=\"badge \(mood.rawValue)\">\(text)</span>"
  }

  /// Pictures with a line below each.
  package static func sheet(_ pictures: [(uri: String, caption: HTML, description: String)]) -> HTML {
    let parts = pictures.map { uri, caption, description -> HTML in
      """
      <figure><img src="\(uri)" alt="\(description)" loading="lazy"><figcaption>\(caption)</figcaption></figure>
      """
    }
    return "<div class=\"sheet\">\(parts.joined())</div>"
  }

  /// What the colours of a chart stand for: the number of its colour is its index.
  package static func legend(_ names: [String]) -> HTML {
    let parts = names.enumerated().map { index, name -> HTML in
      """
      <li><svg viewBox="0 0 10 10" aria-hidden="true"><rect class="s\(index % 8)" width="10" height="10" rx="2"/></svg>\
      \(name)</li>
      """
    }
    return "<ul class=\"legend\">\(parts.joined())</ul>"
  }
}
