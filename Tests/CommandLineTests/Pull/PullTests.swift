#if Pull
  import FaultyServer
  import Foundation
  import ModelZooTools
  import Testing
  import ZooSystem

  @Suite("zoo pull")
  struct PullTests {
    // MARK: Names

    @Test func everyPublishedFileHasANameOfItsOwn() throws {
      let all = PublishedWeights.all
      #expect(all.count == 166 && Set(all.map(\.name)).count == 166)
      for file in all {
        #expect(file.name.count <= 36 && !file.name.contains(" "), "\(file.name)")
        let parts = file.name.split(separator: ":").map(String.init)
        let found = try PublishedWeights.named(parts[0], variant: parts.count > 1 ? parts[1] : nil)
        #expect(found.address == file.address, "\(file.name)")
      }
      func address(_ name: String, _ variant: String?) throws -> String {
        String(try PublishedWeights.named(name, variant: variant).address.split(separator: "/").last ?? "")
      }
      #expect(try address("mobilenet", nil) == "mobilenet_1_0_224_tf.h5")
      #expect(try address("MobileNet", "128-0.25-notop") == "mobilenet_2_5_128_tf_no_top.h5")
      #expect(try address("mobilenet", "1-224-top") == "mobilenet_1_0_224_tf.h5")
      #expect(try address("ResNet-50", "notop") == "resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5")
      #expect(try address("mobilenetv3small", "minimalistic").contains("minimalistic"))
    }

    @Test func listsTheNames() throws {
      try withPull { bench in
        let all = try bench.pull("--list")
        #expect(all.status == 0 && all.output.split(separator: "\n").count == 167)
        let some = try bench.pull("--list", "mobilenet").output
        #expect(some.contains("mobilenet:0.25-128-notop ") && !some.contains("nasnet"), "\(some)")
        let rows = try #require(bench.pull("--list", "vgg16", "--json").json() as? [[String: Any]])
        #expect(rows.map { $0["name"] as? String } == ["vgg16", "vgg16:notop"])
        #expect(rows.allSatisfy { ($0["md5"] as? String)?.count == 32 && $0["address"] is String })
        let listed = try #require(bench.run(["list", "vgg16", "--json"]).json() as? [[String: Any]])
        #expect((listed[0]["files"] as? [[String: Any]])?[1]["name"] as? String == "vgg16:notop")
      }
    }

    @Test(
      arguments: [
        (["resnet"], 64, "Did you mean resnet50, resnet101, resnet152, resnet50v2"),
        (["mobilenett"], 64, "Did you mean mobilenet"), (["alexnet"], 64, "There are vgg16, vgg19"),
        (["mobilenet:0.3"], 64, "mobilenet has 0.25, 0.5, 0.75, 1.0; 128, 160, 192, 224; notop, top."),
        (["mobilenetv2:1.4-192"], 64, "there is no such file"), (["vgg16:"], 64, "NAME:VARIANT"),
        (["vgg16", "--sha256", "00"], 64, "64 hexadecimal digits"), (["ftp://x/y"], 64, "hf://ORG/NAME"),
        (["hf://onlyone"], 64, "it names no repository"), (["https://example.org/x.h5"], 64, "--sha256"),
        (["."], 64, "it is a file that is here"), ([], 64, "--list"), (["--list", "-o", "x"], 64, "--list"),
        (["vgg16", "-o", "-"], 64, "-o takes"),
        (["vgg16", "--weights-only", "--dtype", "f16"], 64, "--weights-only"),
        (["vgg16", "--retries", "-1"], 64, "--retries"), (["vgg16", "--timeout", "0"], 64, "--timeout"),
        (["vgg16", "-o", "no/x.zoo"], 73, "there is no folder no"), (["--list", "alexnet"], 64, "alexnet"),
        (["vgg16", "--offline"], 66, "offline"), (["hf://timm/vgg16.tv_in1k", "--offline"], 66, "--offline"),
      ] as [([String], Int32, String)])
    func saysWhatCantBePulled(arguments: [String], status: Int32, text: String) throws {
      try withPull { bench in
        let result = try bench.run(["pull"] + arguments)
        #expect(result.status == status && result.errors.contains(text), "\(result.errors)")
        #expect(result.errors.hasPrefix("zoo: error: "), "\(result.errors)")
      }
    }

    // MARK: The catalogue

    /// A file of the catalogue whose hash nobody has published, from a mirror.
    @Test func pullsByName() throws {
      let bytes = [UInt8](
        try Data(contentsOf: URL(fileURLWithPath: ZooCommand.fixture("models/mobilenet.k2w.h5"))))
      let server = try FaultyServer { .file($0, bytes) }
      try withPull { bench in
        let mirror = ["--mirror", "http://127.0.0.1:\(server.port)"]
        let result = try bench.run(["pull", "mobilenet:0.25-128"] + mirror)
        #expect(result.status == 0, "\(result.errors)")
        #expect(
          server.requests.map(\.target) == [
            "/tensorflow/keras-applications/mobilenet/mobilenet_2_5_128_tf.h5"
          ])
        #expect(result.output.contains("wrote mobilenet-0.25-128.zoo"), "\(result.output)")
        #expect(result.output.contains("downloaded") && result.output.contains("no hash is published"))
        // It is a smaller network than the one of that name.
        #expect(
          result.errors.contains("warning: what came as mobilenet:0.25-128 is no alpha 0.25"),
          "\(result.errors)")
        #expect(try bench.run(["verify", "mobilenet-0.25-128.zoo"]).status == 0)
        // The second time it comes from the cache, as a document.
        let again = try bench.run(
          ["pull", "mobilenet:0.25-128", "-o", "m.zoo", "--json", "--offline"] + mirror)
        #expect(again.status == 0, "\(again.errors)")
        let document = try again.jsonObject()
        let source = try #require(document["source"] as? [String: Any])
        #expect(source["origin"] as? String == "cache" && source["trust"] as? String == "transport-only")
        #expect(source["bytes"] as? Int == bytes.count && source["licence"] as? String == "Apache-2.0")
        #expect((document["conversion"] as? [String: Any])?["output"] as? String == "m.zoo")
        #expect(server.requests.count == 1)
        // What would fail at the end fails first.
        let there = try bench.run(["pull", "mobilenet:0.25-160"] + mirror + ["-o", "m.zoo"])
        expectError(there, 73, "m.zoo", "--force")
        #expect(server.requests.count == 1)
      }
    }

    @Test func refusesAnotherFileThanThePublishedOne() throws {
      let server = try FaultyServer { .file($0) }
      try withPull { bench in
        let result = try bench.pull("vgg16:notop", "--mirror", "http://127.0.0.1:\(server.port)")
        expectError(result, 65, "vgg16:notop")
        #expect(!bench.zoo.exists("vgg16-notop.zoo"))
      }
    }

    // MARK: Registries

    /// Names, options and hints of an index that somebody else has signed.
    @Test func pullsFromARegistry() throws {
      let server = try Self.registry()
      try withPull { bench in
        let registry = ["--registry", "http://127.0.0.1:\(server.port)"]
        let key = ["--key", ZooCommand.fixture("registry/key.pem")]
        let list = try bench.run(["pull", "--list"] + registry + key).output.split(separator: "\n")
        #expect(list.map { $0.prefix { $0 != " " } } == ["NAME", "digits", "digits:untrained", "gone"])
        #expect(list[1].hasSuffix("Apache-2.0  handwritten digits"), "\(list[1])")
        let rows = try #require(
          bench.run(["pull", "--list", "untrained", "--json"] + registry + key).json() as? [[String: Any]])
        #expect(rows.map { $0["name"] as? String } == ["digits:untrained"])
        let result = try bench.run(["pull", "digits"] + registry + key)
        #expect(
          result.status == 0 && result.output.contains("its SHA-256, \(PullBench.sha256)"), "\(result.errors)"
        )
        #expect(result.output.contains("preprocessing  tf"), "\(result.output)")
        let card = try bench.run(["inspect", "digits.zoo", "--json"]).jsonObject()
        #expect(card["licence"] as? String == "Apache-2.0", "\(card)")
        // From what is here, with the key in the environment.
        let text = try String(contentsOfFile: ZooCommand.fixture("registry/key.pem"), encoding: .utf8)
        let offline = try bench.run(
          ["pull", "digits", "--weights-only", "--offline"] + registry,
          environment: ["ZOO_REGISTRY_KEY": text])
        #expect(
          try offline.status == 0 && bench.contents("digits.h5") == PullBench.bytes, "\(offline.errors)")
        #expect(server.requests.count { $0.target == "/models/digits.h5" } == 1)

        expectError(try bench.run(["pull", "gone"] + registry + key), 66, "/models/gone.h5", "404")
        expectError(
          try bench.run(["pull", "vgg16"] + registry + key), 64, "it has no 'vgg16'", "It has digits")
        expectError(try bench.run(["pull", "hf://a/b"] + registry + key), 64, "--registry goes with a name")
        expectError(try bench.run(["pull", "digits"] + registry), 64, "ZOO_REGISTRY_KEY")
        expectError(
          try bench.run(["pull", "digits", "--key", "no.pem"] + registry), 66, "no.pem", "No such file")
        let other = ["--key", ZooCommand.fixture("registry/other.pem")]
        expectError(
          try bench.run(["pull", "digits", "-f"] + registry + other), 65, "signed with another key")
        #expect(try bench.run(["pull", "digits", "--mirror", "http://x"] + registry + key).status == 64)
        #expect(try bench.run(["pull", "digits"] + key).errors.contains("--key goes with --registry"))
      }
    }

    private static func registry() throws -> FaultyServer {
      func contents(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: ZooCommand.fixture(name))))
      }
      let files = [
        "/index.json": try contents("registry/index.json"),
        "/index.json.sig": try contents("registry/index.json.sig"), "/models/digits.h5": PullBench.bytes,
      ]
      return try FaultyServer { request in
        files[request.target].map { .file(request, $0) } ?? FaultyServer.Reply(status: 404)
      }
    }

    // MARK: Addresses

    /// It keeps its types and all else that a conversion to floats would lose.
    @Test func aModelIsVerifiedAndKept() throws {
      try withPull { bench in
        let digits = ZooCommand.fixture("digits/digits.h5")
        let made = try bench.run([
          "convert", digits, "-o", "small.zoo", "--dtype", "int8", "--preprocessing", "tf",
        ])
        #expect(made.status == 0, "\(made.errors)")
        let bytes = try bench.contents("small.zoo")
        let sha256 = PullBench.sha256(of: bytes)
        var damaged = bytes
        damaged[damaged.count - 1000] ^= 1
        let files = ["/small.zoo": bytes, "/damaged.zoo": damaged]
        let server = try FaultyServer { .file($0, files[$0.target] ?? []) }
        func address(_ name: String) -> String { "http://127.0.0.1:\(server.port)/\(name)" }
        let result = try bench.pull(address("small.zoo"), "--sha256", sha256, "-o", "copy.zoo")
        #expect(result.status == 0 && result.output.contains("ok      checksums"), "\(result.errors)")
        #expect(try bench.contents("copy.zoo") == bytes)
        let converted = try bench.pull(
          address("small.zoo"), "--sha256", sha256, "-o", "f32.zoo", "--dtype", "f32")
        #expect(try converted.status == 0 && bench.contents("f32.zoo").count > bytes.count)
        // The hash is right, and the model is not.
        let hash = PullBench.sha256(of: damaged)
        let refused = try bench.pull(address("damaged.zoo"), "--sha256", hash, "-o", "damaged.zoo")
        #expect(refused.status == 1 && !bench.zoo.exists("damaged.zoo"), "\(refused.errors)")
        #expect(refused.errors.contains("checksums"), "\(refused.errors)")
      }
    }

    @Test func convertsWhatAnAddressHas() throws {
      let server = try FaultyServer { .file($0) }
      try withPull { bench in
        let address = "http://127.0.0.1:\(server.port)/models/digits.h5"
        let labels = ZooCommand.fixture("digits/labels.txt")
        let result = try bench.pull(
          address, "--sha256", PullBench.sha256.uppercased(), "--labels", labels, "--preprocessing", "tf",
          "-o", ".",
          "--dtype", "f16")
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("its SHA-256, \(PullBench.sha256)"), "\(result.output)")
        #expect(result.output.contains("wrote ./digits.zoo"), "\(result.output)")
        let picture = ZooCommand.fixture("digits/pictures/seven.jpg")
        let predicted = try bench.run(["predict", "digits.zoo", picture, "--top", "1"])
        #expect(predicted.output.contains("seven"), "\(predicted.errors)")
        let quiet = try bench.pull(address, "--sha256", PullBench.sha256, "--quiet", "-o", "q.zoo")
        #expect(
          quiet.status == 0 && quiet.output.isEmpty && quiet.errors.isEmpty, "\(quiet.output)\(quiet.errors)")
        #expect(server.requests.count == 1)
        let file = try bench.pull(address, "--sha256", PullBench.sha256, "--weights-only")
        #expect(try file.status == 0 && bench.contents("digits.h5") == PullBench.bytes)
      }
    }

    // MARK: The hub

    private static let commit = "0123456789abcdef0123456789abcdef01234567"

    private func hub(storage: String) throws -> HubFiles {
      let weights = try Data(
        contentsOf: URL(fileURLWithPath: ZooCommand.fixture("pytorch/networks/resnet.safetensors")))
      let text = """
        {"architecture": "resnet50", "pretrained_cfg": {"input_size": [3, 64, 64], "mean": [0.5, 0.5, 0.5], \
        "std": [0.5, 0.5, 0.5], "license": "cc-by-nc-4.0"}}
        """
      return HubFiles(
        repository: "timm/resnet-small.test", commit: Self.commit,
        files: [
          "model.safetensors": .init(
            [UInt8](weights), tag: "536bf48f3e6b2d90e81c78d6686b9998f58ec2a7648a83a2ecdc1e38093a1ce8",
            isLarge: true),
          "config.json": .init(
            Array(text.utf8), tag: "7e216bb4b4cc92df172f8bd0675f4baa4f51fd48", isLarge: false),
        ], storage: storage)
    }

    @Test func pullsFromTheHubIntoItsCache() throws {
      let storage = try FaultyServer { [hub = try hub(storage: "")] request in
        hub.files.values.first { "/" + $0.tag == request.target }.map { .file(request, $0.bytes) }
          ?? .init(status: 404)
      }
      let hub = try hub(storage: "http://localhost:\(storage.port)")
      let server = try FaultyServer { hub.answer($0) }
      try withPull { bench in
        let environment = ["HF_ENDPOINT": "http://127.0.0.1:\(server.port)", "HF_TOKEN": "hf_secret"]
        let refused = try bench.pull("hf://timm/resnet-small.test", environment: environment)
        expectError(refused, 66, "localhost", "--allow-host")
        #expect(storage.requests.isEmpty)
        let result = try bench.pull(
          "hf://timm/resnet-small.test", "--allow-host", "localhost", environment: environment)
        #expect(result.status == 0, "\(result.errors)")
        #expect(result.output.contains("wrote resnet-small.test.zoo"), "\(result.output)")
        #expect(
          result.output.contains("cc-by-nc-4.0") && result.output.contains(Self.commit), "\(result.output)")
        // The token goes to the hub alone.
        #expect(server.requests.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
        #expect(storage.requests.count == 1 && storage.requests[0].headers["authorization"] == nil)
        let folder = "hub/models--timm--resnet-small.test"
        let snapshot = "\(folder)/snapshots/\(Self.commit)"
        let tree = bench.tree("hf")
        for name in [
          "hub/CACHEDIR.TAG", "\(folder)/refs/main", "\(snapshot)/config.json",
          "\(snapshot)/model.safetensors",
        ] + hub.files.values.map({ "\(folder)/blobs/\($0.tag)" }) {
          #expect(tree.contains(name), "\(name) in \(tree)")
        }
        #expect(try bench.contents("hf/\(folder)/refs/main") == Array(Self.commit.utf8))
        // Without a network: the same from the cache.
        for (arguments, variables) in [(["--offline"], [:]), ([], ["HF_HUB_OFFLINE": "1"])] {
          let offline = try bench.run(
            ["pull", "hf://timm/resnet-small.test", "--force", "--json"] + arguments, environment: variables)
          #expect(offline.status == 0, "\(offline.errors)")
          let source = try offline.jsonObject()["source"] as? [String: Any]
          #expect(
            source?["origin"] as? String == "hub-cache" && source?["licence"] as? String == "cc-by-nc-4.0")
        }
        // The weights and what belongs to them, as they are.
        let kept = try bench.pull(
          "hf://timm/resnet-small.test", "--weights-only", "-o", "kept.safetensors", "--offline")
        #expect(kept.status == 0 && bench.zoo.exists("config.json"), "\(kept.errors)")
        #expect(try bench.contents("kept.safetensors") == hub.files["model.safetensors"]?.bytes)
      }
    }

    @Test func saysWhatTheHubRefuses() throws {
      let hub = try hub(storage: "")
      let server = try FaultyServer { hub.answer($0) }
      try withPull { bench in
        let environment = ["HF_ENDPOINT": "http://127.0.0.1:\(server.port)"]
        for (source, text) in [
          ("hf://timm/nothing", "no such repository"),
          ("hf://timm/resnet-small.test@v9", "no branch, tag or commit 'v9'"),
          ("hf://timm/resnet-small.test/other.h5", "no other.h5"),
        ] {
          expectError(try bench.pull(source, environment: environment), 66, text)
        }
      }
    }
  }
#endif
