import Testing
import ZooSystem
import ZooTestSupport
import ZooWeightFiles

/// PyTorch files that are wrong in one way each are refused with one line that says so.
@Suite struct PyTorchHostileTests {
  private static let expected: [(String, ZooError.Code, String)] = [
    ("cut-pickle.pth", .malformed, "a name without an end"),
    ("no-stop.pth", .malformed, "in the middle of an instruction"),
    ("empty-stack.pth", .malformed, "stack is empty"),
    ("no-mark.pth", .malformed, "without a mark"),
    ("unknown-instruction.pth", .unsupported, "0xff"),
    ("text-instruction.pth", .unsupported, "0x49"),
    ("protocol-9.pth", .unsupported, "protocol 9"),
    ("never-noted.pth", .malformed, "never noted"),
    ("append-to-dictionary.pth", .malformed, "no list"),
    ("set-in-list.pth", .malformed, "no dictionary"),
    ("key-without-value.pth", .malformed, "a key without a value"),
    ("attributes-of-a-list.pth", .malformed, "no object"),
    ("arguments-no-tuple.pth", .malformed, "no tuple"),
    ("name-no-text.pth", .malformed, "no text"),
    ("name-without-end.pth", .malformed, "a name without an end"),
    ("long-text.pth", .malformed, "in the middle of an instruction"),
    ("long-number.pth", .malformed, "in the middle of an instruction"),
    ("marks.pth", .unsupported, "1000 deep"),
    ("deep.pth", .unsupported, "1000 deep"),
    ("endless.pth", .unsupported, "1000 deep"),
    ("many-ways.pth", .unsupported, "more than 100000 tensors"),
    ("beyond-storage.pth", .malformed, "reaches to element 6"),
    ("strides-beyond-storage.pth", .malformed, "reaches to element 6"),
    ("overflowing-strides.pth", .malformed, "beyond its storage"),
    ("negative-stride.pth", .malformed, "not counts"),
    ("negative-size.pth", .malformed, "not counts"),
    ("negative-offset.pth", .malformed, "are none"),
    ("huge-size.pth", .malformed, "larger than any tensor"),
    ("many-axes.pth", .malformed, "not counts"),
    ("strides-of-other-rank.pth", .malformed, "are none"),
    ("huge-storage.pth", .malformed, "are none"),
    ("storage-too-short.pth", .malformed, "8 elements need 32"),
    ("absent-storage.pth", .malformed, "not in the file"),
    ("complex.pth", .unsupported, "'ComplexFloatStorage'"),
    ("unknown-type.pth", .unsupported, "'OddStorage'"),
    ("quantised.pth", .unsupported, "quantised"),
    ("sparse.pth", .unsupported, "sparse"),
    ("no-parts.pth", .malformed, "are none"),
    ("parameter-of-nothing.pth", .malformed, "without its tensor"),
    ("parameter-of-itself.pth", .malformed, "without end"),
    ("expanded-bomb.pth", .unsupported, "at most 100 times"),
    ("same-name.pth", .malformed, "two tensors"),
    ("long-name.pth", .unsupported, "1000 bytes"),
    ("big-endian.pth", .unsupported, "big-endian"),
    ("compressed-storage.pth", .unsupported, "compressed"),
    ("no-tensors.pth", .malformed, "no tensors"),
    ("command.pth", .malformed, "no tensors"),
    ("wrong-checksum.pth", .malformed, "checksum"),
    ("older-big-endian.pth", .unsupported, "big-endian"),
    ("older-without-list.pth", .malformed, "in the middle of an instruction"),
    ("older-keys-no-texts.pth", .malformed, "does not list"),
    ("older-other-count.pth", .malformed, "the pickle says 6"),
    ("older-beyond-end.pth", .malformed, "beyond the end"),
    ("older-absent-storage.pth", .malformed, "not in the file"),
    ("older-unknown-storage.pth", .malformed, "no tensor has it"),
    ("older-twice.pth", .malformed, "twice"),
    ("older-disagreeing.pth", .malformed, "disagree"),
    ("code-alone.pt", .unsupported, "TorchScript"),
  ]

  @Test func fixturesAreRefusedWithTheirReason() throws {
    for (name, code, text) in Self.expected {
      let error = try #require(refusal(fixture("malformed/\(name)")), "\(name) was not refused")
      #expect(error.code == code, "\(name): \(error)")
      #expect(error.description.contains(text), "\(name): \(error)")
      #expect(error.description.contains(name) && !error.description.contains("\n"))
    }
  }

  @Test func everyFileIsTried() throws {
    let sound: Set = ["sound-one-tensor.pth", "command-beside.pth"]
    #expect(
      try Set(fixtures("malformed", ".pth", ".pt")).subtracting(sound) == Set(Self.expected.map(\.0)))
  }
}
