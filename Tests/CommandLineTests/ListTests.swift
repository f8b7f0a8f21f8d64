import Foundation
import ModelZooTools
import Testing

@Suite("zoo list, --version and completions")
struct ListTests {
  private func withZoo(_ body: (ZooCommand) throws -> Void) throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    try body(zoo)
  }

  @Test func namesAllNetworksOfKeras() throws {
    try withZoo { zoo in
      let rows = try #require(zoo("list", "--json").json() as? [[String: Any]])
      let names = rows.compactMap { $0["name"] as? String }
      #expect(names.count == 42 && names.prefix(3) == ["vgg16", "vgg19", "resnet50"])
      #expect(Set(rows.compactMap { $0["family"] as? String }).count == 15)
      for row in rows {
        let files = try #require(row["files"] as? [[String: Any]])
        #expect(!files.isEmpty && files[0]["has_top"] as? Bool == true && files[0]["top1"] is Double)
        #expect(row["preprocessing"] is String && row["licence"] is String)
        for file in files {
          #expect((file["parameters"] as? Int ?? 0) > 100_000 && file["address"] is String)
          #expect((file["macs"] as? Int ?? 0) > 10_000_000)
        }
      }
      let large = try #require(rows.first { $0["name"] as? String == "nasnetlarge" })
      let files = try #require(large["files"] as? [[String: Any]])
      #expect(files[1]["bytes"] as? Int == 343_610_240)
      #expect(files[1]["md5"] as? String == "d81d89dc07e6e56530c4e77faddd61b5")
      #expect(files[0]["parameters"] as? Int == 88_949_818 && files[0]["macs"] as? Int == 23_783_414_658)
      #expect(try zoo("list", "--names").output == names.map { "\($0)\n" }.joined())
    }
  }

  @Test func hasOneLineAFamily() throws {
    try withZoo { zoo in
      let output = try zoo("list").output
      let lines = output.split(separator: "\n").map { $0.split(separator: " ").joined(separator: " ") }
      #expect(lines[0].hasPrefix("FAMILY"))
      // As Keras' documentation has them: 25.6 M to 60.4 M parameters, 74.9 to 76.6 %.
      #expect(
        lines.contains(
          "ResNet 25.6 M–60.4 M 3.9 G–11.3 G 224 74.9–76.6 % caffe resnet50, resnet101, resnet152"),
        "\(output)")
      #expect(!output.contains("https://"))
    }
  }

  @Test func aNameIsAFilter() throws {
    try withZoo { zoo in
      let found = try zoo("list", "MobileNet")
      #expect(found.status == 0 && found.output.contains("nasnetmobile") == false)
      #expect(found.output.contains("68.4 %  alpha 0.75, 224x224, with top"), "\(found.output)")
      #expect(found.output.contains("citation"))
      let family = try zoo("list", "efficientnet-b").output.split(separator: "\n").map(String.init)
      #expect(family[0].hasPrefix("NAME"))
      let row = try #require(family.first { $0.hasPrefix("efficientnetb3 ") })
      // As Keras' documentation has it: 12.3 M parameters, 48 MB, 81.6 %.
      #expect(
        row.split(separator: " ").joined(separator: " ").hasPrefix(
          "efficientnetb3 12,320,534 47.0 MiB 1.8 G 81.6 % 300x300, with top"), "\(row)")
      let addresses = try zoo("list", "vgg", "--urls").output.split(separator: "\n")
      #expect(addresses.count { $0.hasPrefix("  https://") } == 4)
      let unknown = try zoo("list", "alexnet")
      #expect(unknown.status == 64 && unknown.errors.contains("Known architectures: vgg16"))
      #expect(try zoo("list", "vgg", "--kernels").status == 64)
    }
  }

  @Test func namesTheKernels() throws {
    try withZoo { zoo in
      let names = try #require(zoo("list", "--kernels", "--json").json() as? [String])
      #expect(names.last == "portable")
      #expect(try zoo("list", "--kernels").output == names.map { "\($0)\n" }.joined())
    }
  }

  @Test(arguments: [["--version", "-v"], ["--version", "--verbose"], ["-v", "--version"], ["-v"]])
  func theVersionInFull(arguments: [String]) throws {
    try withZoo { zoo in
      let result = try zoo.run(arguments)
      #expect(result.status == 0)
      let version = try zoo("--version").output
      for text in ["zoo ", version, "Swift ", "processor ", "kernels ", "HDF5 ", "libdeflate ", "zlib "] {
        #expect(result.output.contains(text), "\(result.output)")
      }
      #expect(result.output.contains(Model.availableKernels.joined(separator: ", ")))
    }
  }

  // MARK: Completions

  /// What bash offers for the last of `words`.
  private func completions(_ words: [String], in zoo: ZooCommand) throws -> [String] {
    let script = """
      source completions.bash
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
      _zoo zoo "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let bash = Process()
    let output = Pipe()
    bash.executableURL = URL(fileURLWithPath: "/bin/bash")
    bash.arguments = ["-c", script, "bash", "zoo"] + words
    bash.currentDirectoryURL = zoo.folder
    let folder = try ZooCommand.executable.deletingLastPathComponent().path
    bash.environment = ["PATH": "\(folder):/usr/bin:/bin"]
    bash.standardOutput = output
    try bash.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    bash.waitUntilExit()
    return text.split(separator: "\n").map(String.init)
  }

  @Test func bashCompletesFilesNamesAndLayers() throws {
    try withZoo { zoo in
      let script = try zoo("--generate-completion-script", "bash").output
      try Data(script.utf8).write(to: URL(fileURLWithPath: zoo.path("completions.bash")))
      #expect(try zoo("convert", ConvertTests.digits, "-q").status == 0)
      for name in ["io.npz", "x.npy", "labels.txt", "report.json", "w.h5", "cat.jpg"] {
        try Data().write(to: URL(fileURLWithPath: zoo.path(name)))
      }
      try FileManager.default.createDirectory(atPath: zoo.path("sub"), withIntermediateDirectories: false)
      for (words, offered) in [
        (["insp"], ["inspect"]), (["convert", "--io", ""], ["io.npz", "sub"]),
        (["convert", "--labels", ""], ["labels.txt", "sub"]),
        (["convert", "--report", ""], ["report.json", "sub"]),
        (["convert", "w.h5", "-o", ""], ["digits.zoo", "sub"]), (["verify", ""], ["digits.zoo", "sub"]),
        (["run", "digits.zoo", "--input", ""], ["io.npz", "sub", "x.npy"]),
        (["convert", "--dtype", ""], ["bf16", "f16", "f32", "int4", "int8"]),
        (["convert", "--architecture", "vgg"], ["vgg16", "vgg19"]),
        (["convert", "--writer", "tensorpack-"], ["tensorpack-aligned", "tensorpack-caffe"]),
        (["list", "mobilenetv"], ["mobilenetv2", "mobilenetv3large", "mobilenetv3small"]),
        (
          ["run", "digits.zoo", "--tap", "conv_pw_13"], ["conv_pw_13", "conv_pw_13_bn", "conv_pw_13_relu"]
        ),
        (["features", "digits.zoo", "a.jpg", "--layer", "conv_pad_1"], ["conv_pad_12"]),
        (["run", "nothere.zoo", "--tap", "conv"], []),
      ] {
        #expect(try completions(words, in: zoo).sorted() == offered, "\(words)")
      }
    }
  }
}
