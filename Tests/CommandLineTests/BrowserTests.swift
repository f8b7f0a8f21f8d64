import Foundation
import Testing
import ZooTestSupport

/// Pages in a real browser: nothing in its console, nothing asked of the network, nothing wider than the screen.
///
/// `make test-reports` sets `ZOO_BROWSER_TESTS=all` for every page at every width and colour scheme, and
/// `ZOO_SCREENSHOTS` for a folder to look at.
@Suite("browser", .enabled(if: Browser.path != nil, "no Chromium here: install chromium"), .serialized)
struct BrowserTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let page: String
    let width: Int
    let isDark: Bool
    var testDescription: String { "\(page), \(width) pixels, \(isDark ? "dark" : "light")" }
  }

  private static let every =
    ["graph", "cells", "conversion", "training", "groups", "similar"].flatMap { page in
      [390, 1400].flatMap { width in
        [false, true].map { Case(page: page, width: width, isDark: $0) }
      }
    }
  static let cases =
    ProcessInfo.processInfo.environment["ZOO_BROWSER_TESTS"] == "all"
    ? every
    : [
      Case(page: "graph", width: 390, isDark: true), Case(page: "conversion", width: 1400, isDark: false),
      Case(page: "training", width: 390, isDark: false), Case(page: "groups", width: 1400, isDark: true),
    ]

  @Test(arguments: cases) func pagesWork(_ test: Case) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let arguments =
      switch test.page {
      case "graph": ["inspect", ConvertTests.digits, "--graph", "page.html"]
      case "training":
        [
          "train", "letters", "--backbone", "digits.zoo", "--layer", "conv_pw_6_relu", "-o", "m.zoo",
          "--views", "3", "--no-cache", "--report", "page.html",
        ]
      case "groups":
        ["cluster", "digits.zoo", "letters", "--groups", "4", "-o", "page.html", "--no-cache"]
      case "similar":
        ["similar", "digits.zoo", "letters/A/A-0.bmp", "letters", "--html", "page.html", "--no-cache"]
      case "cells": ["inspect", ZooCommand.fixture("models/nasnet-32.keras"), "--graph", "page.html"]
      default:
        [
          "convert", ConvertTests.digits, "-o", "m.zoo", "--report", "page.html", "--preprocessing", "tf",
          "--quiet",
        ]
      }
    if ["training", "groups", "similar"].contains(test.page) {
      try Letters.copy(["A", "H", "K", "N", "X"], to: zoo.folder.appending(path: "letters"))
      #expect(
        try zoo("convert", ConvertTests.digits, "-o", "digits.zoo", "--preprocessing", "tf", "-q").status == 0
      )
    }
    let made = try zoo.run(arguments)
    #expect(made.status == 0, "\(made.errors)")
    let browser = try #require(Browser.path)
    let shot = try Browser.run(browser, test, page: zoo.path("page.html"), in: zoo.folder, script: nil)
    #expect(shot.console.isEmpty, "\(shot.console)")
    #expect(shot.requests.isEmpty, "\(shot.requests)")
    #expect(shot.pictureWidth == test.width)
    if let folder = ProcessInfo.processInfo.environment["ZOO_SCREENSHOTS"] {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let name = "\(test.page)-\(test.width)-\(test.isDark ? "dark" : "light").png"
      let target = URL(fileURLWithPath: folder).appendingPathComponent(name)
      try? FileManager.default.removeItem(at: target)
      try FileManager.default.copyItem(at: zoo.folder.appendingPathComponent("shot.png"), to: target)
    }

    // The same page with a program beside its own that uses it and writes what it finds.
    let script =
      switch test.page {
      case "conversion": Self.searching
      case "training": Self.sorting
      case "groups", "similar": Self.common
      default: Self.clicking
      }
    let used = try Browser.run(browser, test, page: zoo.path("page.html"), in: zoo.folder, script: script)
    #expect(used.console.isEmpty, "\(used.console)")
    let found = try #require(used.found, "\(used.page.suffix(400))")
    #expect(found["overflow"] as? Int == 0)
    #expect(found["dark"] as? Bool == test.isDark)
    switch test.page {
    case "conversion":
      #expect(found["rows"] as? Int == 1 && (found["all"] as? Int ?? 0) > 100)
    case "training":
      let recalls = try #require(found["recalls"] as? [Double])
      #expect(recalls.count == 5 && recalls == recalls.sorted() && found["sort"] as? String == "ascending")
      #expect(found["pictures"] as? Int ?? 0 > 30)
    case "groups":
      // Each letter, and the one that the pointer would show.
      #expect(found["pictures"] as? Int == 61)
    case "similar": #expect(found["pictures"] as? Int == 11)
    default:
      #expect(found["title"] as? String == found["layer"] as? String && found["layer"] as? String != "")
      #expect((found["bars"] as? Int ?? 0) >= 32)
      #expect(found["visible"] as? Bool == true)
    }
  }

  /// What the others would notice, if a page had it.
  @Test(.enabled(if: cases.count > 2)) func requestsAndErrorsAreSeen() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let page =
      "<!DOCTYPE html><title>x</title><img src=\"http://pictures.invalid/x.png\"><script>nothing();</script>"
    try page.write(toFile: zoo.path("page.html"), atomically: true, encoding: .utf8)
    let browser = try #require(Browser.path)
    let shot = try Browser.run(
      browser, Case(page: "", width: 500, isDark: false), page: zoo.path("page.html"), in: zoo.folder,
      script: nil)
    #expect(shot.requests.contains { $0.hasPrefix("http://pictures.invalid/") }, "\(shot.requests)")
    #expect(shot.console.contains { $0.contains("nothing is not defined") }, "\(shot.console)")
  }

  private static let common = """
    found.overflow=Math.max(0,document.documentElement.scrollWidth-document.documentElement.clientWidth);
    found.pictures=document.images.length;
    found.dark=matchMedia('(prefers-color-scheme: dark)').matches;
    """

  /// Searches for a convolution's kernel far down in a folded block, and looks at the panel.
  private static let clicking = """
    var box=document.getElementById('find');
    box.value='conv';box.dispatchEvent(new Event('input'));
    box.dispatchEvent(new KeyboardEvent('keydown',{key:'Enter'}));
    box.dispatchEvent(new KeyboardEvent('keydown',{key:'Enter'}));
    var row=document.querySelector('.r.chosen');
    found.layer=JSON.parse(document.getElementById('layers').textContent)[+row.getAttribute('data-i')].n;
    found.title=document.querySelector('#panel h3').textContent;
    found.bars=document.querySelectorAll('#panel .tensor rect').length;
    found.visible=row.getBoundingClientRect().width>50;
    """ + common

  /// Sorts the classes by the share that was found.
  private static let sorting = """
    var table=document.querySelector('#classes table'),head=table.tHead.rows[0].cells[2];
    head.querySelector('button').click();
    found.sort=head.getAttribute('aria-sort');
    found.recalls=Array.from(table.tBodies[0].rows).map(function(r){
      return parseFloat(r.cells[2].getAttribute('data-value'));});
    """ + common

  private static let searching = """
    var table=document.querySelector('#matches table'),box=document.querySelector('#matches input');
    found.all=table.tBodies[0].rows.length;
    box.value='conv_pw_13/kernel';box.dispatchEvent(new Event('input'));
    found.rows=Array.from(table.tBodies[0].rows).filter(function(r){return !r.hidden;}).length;
    """ + common
}

/// Chromium without a window.
enum Browser {
  struct Outcome {
    /// What its console says.
    let console: [String]
    /// Addresses that it asked for, other than the page.
    let requests: [String]
    /// The document as it is in the end.
    let page: String
    /// What the added program found.
    let found: [String: Any]?
    let pictureWidth: Int?
  }

  static let path: String? = {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let names = ["chromium", "chromium-browser", "google-chrome"]
    let candidates =
      folders.flatMap { folder in names.map { folder + "/" + $0 } } + [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
      ]
    let found = candidates.first(where: FileManager.default.isExecutableFile(atPath:))
    if found == nil { print("No Chromium here: the pages of reports are not tried in a browser.") }
    return found
  }()

  static func run(
    _ browser: String, _ test: BrowserTests.Case, page: String, in folder: URL, script: String?
  ) throws -> Outcome {
    var address = page
    if let script {
      // The page's own policy lets no other program run.
      var text = try String(contentsOfFile: page, encoding: .utf8)
      text = text.replacingOccurrences(of: "Content-Security-Policy", with: "X-None")
      let program =
        "<script>(function(){var found={};\(script);document.title='FOUND'+JSON.stringify(found);})();</script>"
      text = text.replacingOccurrences(of: "</body>", with: program + "</body>")
      address = folder.appendingPathComponent("used.html").path
      try text.write(toFile: address, atomically: true, encoding: .utf8)
    }
    let (output, errors, log, shot) = (
      folder.appendingPathComponent("dom"), folder.appendingPathComponent("log"),
      folder.appendingPathComponent("net.json"), folder.appendingPathComponent("shot.png")
    )
    for file in [output, errors] { try Data().write(to: file) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: browser)
    process.arguments =
      [
        "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
        "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
        "--disable-features=NetworkTimeServiceQuerying", "--host-resolver-rules=MAP * ~NOTFOUND",
        "--user-data-dir=\(folder.appendingPathComponent("profile").path)",
        "--blink-settings=preferredColorScheme=\(test.isDark ? 0 : 1)", "--window-size=\(test.width),1600",
        "--enable-logging=stderr", "--log-net-log=\(log.path)", "--virtual-time-budget=2000",
      ] + (script == nil ? ["--screenshot=\(shot.path)"] : ["--dump-dom"]) + ["file://\(address)"]
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    DispatchQueue.global().asyncAfter(deadline: .now() + 90) { if process.isRunning { process.terminate() } }
    process.waitUntilExit()
    try #require(process.terminationStatus == 0, "\(browser) ended with \(process.terminationStatus)")
    let messages = String(decoding: try Data(contentsOf: errors), as: UTF8.self)
    let dom = String(decoding: try Data(contentsOf: output), as: UTF8.self)
    let network = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
    // What the browser asks for on its own account has no origin.
    let requests = network.matches(of: /"initiator":"([^"]*)",.*?"url":"([^"]*)"/)
      .filter { $0.1 != "not an origin" }.map { String($0.2) }
    return Outcome(
      console: messages.split(separator: "\n").filter { $0.contains(":CONSOLE") }.map(String.init),
      requests: requests.filter { $0.hasPrefix("http") || $0.hasPrefix("ws") }, page: dom,
      found: dom.firstMatch(of: /<title>FOUND(.*?)<\/title>/).flatMap { match in
        let json = match.1.replacingOccurrences(of: "&amp;", with: "&")
        return try? JSONSerialization.jsonObject(with: Data(json.utf8)) as? [String: Any]
      },
      pictureWidth: (try? Data(contentsOf: shot)).flatMap { data in
        data.count > 24 ? data[16..<20].reduce(0) { $0 << 8 | Int($1) } : nil
      })
  }
}
