import Testing
import ZooSystem

@Suite struct ZooErrorTests {
  @Test func isOneReadableLine() {
    let error = ZooError(
      .malformed, "file", at: "a\nb\u{1b}[2Jc\u{2028}d", String(repeating: "x", count: 1 << 20))
    let text = error.description
    #expect(text.hasPrefix("malformed file in a b [2Jc d: xxx"))
    #expect(text.utf8.count < 2000 && text.split(whereSeparator: \.isNewline).count == 1)
  }

  @Test func aCodeTellsFailuresOfOneKindApart() {
    let layer = ZooError(.unknownLayer, what: "no such layer", at: "a.zoo", "'x' is none")
    let network = ZooError(.unknownArchitecture, what: "unknown architecture", at: "", "'x' is none")
    #expect(layer.code != network.code && layer.category == network.category)
    #expect("\(layer.code)" == "unknown-layer")
    #expect(network.description == "unknown architecture: 'x' is none")
  }

  @Test func keepsItsCodeElsewhere() {
    let error = ZooError(.damaged, "tensor", at: "t", "why", remedy: "Do this.").relocated(to: "file, t")
    #expect(error.code == .damaged && error.what == "damaged tensor" && error.location == "file, t")
    #expect(error.remedy == "Do this.")
  }

  @Test func takesInOtherErrors() throws {
    struct Fault: Error {}
    let error = try #require(throws: ZooError.self) { try ZooError.wrap { throw Fault() } }
    #expect(error.code == .unexpected && error.category == .unexpected)
    #expect(error.underlyingError is Fault)
    let own = try #require(throws: ZooError.self) {
      try ZooError.wrap { throw ZooError.file(.open, "a", reason: "b") }
    }
    #expect(own.code == .cannotOpen && own.description == "cannot open a: b")
  }
}
