import Testing
import ZooFetch
import ZooSystem

@Suite struct PullSourceTests {
  static let hash = String(repeating: "0aB1", count: 16)

  @Test func namesAreOfTheCatalog() throws {
    #expect(try PullSource("ResNet50") == .catalog(name: "ResNet50", variant: nil))
    #expect(try PullSource("ResNet50:notop") == .catalog(name: "ResNet50", variant: "notop"))
    #expect(try PullSource("MobileNet:1.0 224") == .catalog(name: "MobileNet", variant: "1.0 224"))
  }

  @Test(arguments: [
    ("hf://timm/resnet50.a1_in1k", "main", nil),
    ("hf://timm/resnet50.a1_in1k/", "main", nil),
    ("hf://timm/resnet50.a1_in1k@v2", "v2", nil),
    ("hf://timm/resnet50.a1_in1k@v2/sub/model.safetensors", "v2", "sub/model.safetensors"),
    ("hf://models/timm/resnet50.a1_in1k/model.safetensors", "main", "model.safetensors"),
    ("hf://timm/resnet50.a1_in1k@refs/pr/3/model.safetensors", "refs/pr/3", "model.safetensors"),
    ("hf://timm/resnet50.a1_in1k@refs%2Fpr%2F3", "refs/pr/3", nil),
    ("https://huggingface.co/timm/resnet50.a1_in1k", "main", nil),
    ("https://huggingface.co/timm/resnet50.a1_in1k/tree/v2", "v2", nil),
    ("https://huggingface.co/timm/resnet50.a1_in1k/blob/main/a/m.bin", "main", "a/m.bin"),
    ("https://huggingface.co/timm/resnet50.a1_in1k/resolve/v2/m.bin?download=true", "v2", "m.bin"),
  ])
  func filesAreOfTheHub(text: String, revision: String, file: String?) throws {
    let expected = HubFile(
      organization: "timm", name: "resnet50.a1_in1k", revision: revision, file: file)
    #expect(try PullSource(text) == .hub(expected, sha256: nil))
  }

  @Test func addressesHaveHashes() throws {
    let address = try WebAddress("https://host/net.h5")
    #expect(
      try PullSource("https://host/net.h5", sha256: Self.hash)
        == .address(address, sha256: Self.hash.lowercased()))
    #expect(try PullSource("https://host/net.h5") == .address(address, sha256: nil))
    #expect(try PullSource("http://127.0.0.1:8/net.h5") != .address(address, sha256: nil))
    let file = HubFile(organization: "o", name: "n", file: "m.bin")
    #expect(try PullSource("hf://o/n/m.bin", sha256: Self.hash) == .hub(file, sha256: Self.hash.lowercased()))
  }

  @Test(arguments: [
    "", ":", "a:", ":b", "a:b:c", "./file.h5", "/etc/passwd", "file:///etc/passwd", "ftp://host/f", "hf://",
    "hf://timm", "hf://timm/", "hf:///x/y", "hf://../x", "hf://a/..", "hf://a/b/../c", "hf://a/b/.",
    "hf://a/b//c", "hf://a/b@", "hf://a/b@../x", "hf://a/b@..%2F..%2Fx", "hf://datasets/a/b", "hf://a--b/c",
    "hf://a/b/c\u{1}", "hf://a/b\\c", "https://huggingface.co/timm", "https://huggingface.co/datasets/a/b",
    "https://huggingface.co/a/b/discussions/1", "https://user@host/f",
    "hf://\(String(repeating: "a", count: 97))/b",
  ])
  func othersAreRefused(text: String) throws {
    let error = try #require(throws: ZooError.self) { try PullSource(text) }
    #expect(error.code == .invalidArgument && error.category == .usage)
    #expect(error.remedy != nil)
  }

  @Test func hashesMustBeHashes() throws {
    for hash in ["", "12", String(repeating: "g", count: 64), String(repeating: "0", count: 63)] {
      let error = #expect(throws: ZooError.self) { try PullSource("https://host/f", sha256: hash) }
      #expect(error?.category == .usage)
    }
    #expect(throws: ZooError.self) { try PullSource("ResNet50", sha256: Self.hash) }
    #expect(throws: ZooError.self) { try PullSource("hf://o/n", sha256: Self.hash) }
  }
}
