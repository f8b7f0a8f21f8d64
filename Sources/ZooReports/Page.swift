import ZooSystem

#if canImport(FoundationEssentials)
  import FoundationEssentials
#else
  import Foundation
#endif

/// A web page in one file: it needs no network, and its own policy forbids it to ask for anything.
///
/// It is readable from 360 pixels of width on, light or dark as the reader's system is, and on paper.
package struct Page: Sendable {
  /// A part with a heading.
  package struct Section: Sendable {
    /// What a link to it is called: letters, digits and hyphens.
    package let id: String
    package let title: String
    package let body: HTML

    package init(id: String, title: String, body: HTML) {
      self.id = id
      self.title = title
      self.body = body
    }
  }

  package let title: String
  /// What the page is about, in a line below the title.
  package let subtitle: HTML
  package var sections: [Section]
  /// Whether a line of links to the sections comes first.
  package var hasContents = true
  /// Whether the content takes the whole width, as a picture of a network may.
  package var isWide = false
  /// Rules beside those of ``PageStyle``.
  package var style = ""
  /// Programs of the project's own; nothing from a file is part of them.
  package var scripts: [String] = []
  /// Values for the programs: the element's name and JSON.
  package var data: [(id: String, json: String)] = []

  package init(title: String, subtitle: HTML, sections: [Section] = []) {
    self.title = title
    self.subtitle = subtitle
    self.sections = sections
  }

  /// The page's text.
  package var html: String {
    let code = (scripts + [PageScript.tables]).joined(separator: "\n")
    let policy =
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src '\(Self.hash(of: code))'; "
      + "base-uri 'none'; form-action 'none'"
    let links = sections.map { section -> HTML in "<a href=\"#\(section.id)\">\(section.title)</a>" }.joined()
    let contents: HTML =
      hasContents && sections.count > 2 ? "<nav aria-label=\"Sections\">\(links)</nav>" : ""
    let body = sections.map { section -> HTML in
      "<section id=\"\(section.id)\"><h2>\(section.title)</h2>\(section.body)</section>"
    }.joined()
    let values = data.map { id, json -> HTML in
      "<script type=\"application/json\" id=\"\(id)\">\(HTML(markup: Self.harmless(json)))</script>"
    }.joined()
    let page: HTML = """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta http-equiv="Content-Security-Policy" content="\(HTML(markup: policy))">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta name="color-scheme" content="light dark">
      <meta name="referrer" content="no-referrer">
      <title>\(title)</title>
      <link rel="icon" href="data:,">
      <style>\(HTML(markup: PageStyle.css + style))</style>
      </head>
      <body class="\(isWide ? "wide" : "text")">
      <header><h1>\(title)</h1><p class="subtitle">\(subtitle)</p>\(contents)</header>
      <main>\(body)</main>
      <footer>zoo \(ZooVersion.current)</footer>
      \(values)
      <script>\(HTML(markup: code))</script>
      </body>
      </html>

      """
    return page.text
  }

  /// Writes the page, whole or not at all.
  ///
  /// - Throws: `ZooError` where the file can't be made.
  package func write(to path: String, overwrite: Bool) throws(ZooError) {
    let file = try AtomicFile(path: path)
    try file.write([UInt8](html.utf8), at: 0)
    try file.commit(overwrite: overwrite)
  }

  /// What the policy calls a program that may run.
  private static func hash(of code: String) -> String {
    var hasher = SHA256Hasher()
    Array(code.utf8).withUnsafeBytes { hasher.update($0) }
    return "sha256-" + Data(hasher.finalize()).base64EncodedString()
  }

  /// JSON that ends no element, whatever its strings hold.
  private static func harmless(_ json: String) -> String {
    json.replacing("<", with: "\\u003c").replacing(">", with: "\\u003e").replacing("&", with: "\\u0026")
      .replacing("\u{2028}", with: "\\u2028").replacing("\u{2029}", with: "\\u2029")
  }
}
