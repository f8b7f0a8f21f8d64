import Foundation
import Testing
import ZooTestSupport

/// `zoo convert --dtype … --compress`, and what the other commands make of such files.
@Suite struct SmallerFileTests {
  private func size(_ name: String, in zoo: ZooCommand) throws -> Int {
    try #require(FileManager.default.attributesOfItem(atPath: zoo.path(name))[.size] as? Int)
  }

  /// Bit for bit the same model, whichever way it goes.
  @Test func compressedFilesAreTheSameModel() throws {
    try withCommand { zoo in
      #expect(try zoo("convert", ConvertTests.digits, "-o", "plain.zoo").status == 0)
      let result = try zoo("convert", ConvertTests.digits, "-o", "c.zoo", "--compress")
      #expect(result.status == 0 && result.output.contains("stored as f32, compressed"), "\(result.output)")
      #expect(try size("c.zoo", in: zoo) < size("plain.zoo", in: zoo))
      let inspected = try zoo("inspect", "c.zoo", "--tensors")
      #expect(inspected.output.contains(", compressed from "), "\(inspected.output)")
      func content(_ name: String) throws -> String? {
        try zoo("inspect", name, "--json").jsonObject()["content"] as? String
      }
      #expect(try content("c.zoo") == content("plain.zoo"))
      #expect(try zoo("diff", "c.zoo", "plain.zoo").status == 0)
      #expect(try zoo("verify", "c.zoo").status == 0)
      // Written plainly again, it is the same file but for what it says of its source.
      #expect(try zoo("convert", "c.zoo", "-o", "again.zoo").status == 0)
      #expect(try content("again.zoo") == content("plain.zoo"))
      #expect(try zoo("diff", "again.zoo", "plain.zoo").status == 0)
    }
  }

  @Test(arguments: ["bf16", "int8"])
  func smallerTypes(dtype: String) throws {
    try withCommand { zoo in
      let limit = ["--largest-error", "10"]
      #expect(try zoo("convert", ConvertTests.digits, "-o", "f32.zoo").status == 0)
      let result = try zoo.run(
        ["convert", ConvertTests.digits, "-o", "s.zoo", "--dtype", dtype, "--report", "r.json"] + limit)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("\(dtype) against single precision"), "\(result.output)")
      let share = Double(try size("s.zoo", in: zoo)) / Double(try size("f32.zoo", in: zoo))
      #expect(share < (dtype == "int8" ? 0.5 : 0.65), "\(share)")
      #expect(try zoo("verify", "s.zoo").status == 0)
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: zoo.path("r.json"))))
          as? [String: Any])
      let layers = try #require(report["layers"] as? [[String: Any]])
      #expect(!layers.isEmpty && layers.allSatisfy { $0["moved"] is Double && $0["stored_type"] is String })
      #expect(report["output_error"] is Double)
      let inspected = try zoo("inspect", "s.zoo", "--tensors").output
      #expect(inspected.contains(dtype == "int8" ? " i8 " : " bf16 ") && inspected.contains("ERROR"))
      let diff = try zoo("diff", "s.zoo", "f32.zoo")
      #expect(diff.status == 1, "\(diff.output)")
      // The same again from the smaller file.
      #expect(try zoo.run(["convert", "s.zoo", "-o", "t.zoo", "--dtype", dtype] + limit).status == 0)
      let codes = try zoo("diff", "s.zoo", "t.zoo")
      #expect(codes.status == 0 || dtype == "int8", "\(codes.output)")
      // Exported, it is floats.
      #expect(try zoo("export", "s.zoo", "-o", "s.safetensors").status == 0)
      #expect(try zoo("diff", "s.zoo", "s.safetensors").status == 0)
    }
  }

  @Test func fourBitsAreForDenseLayers() throws {
    try withCommand { zoo in
      let refused = try zoo("convert", ConvertTests.digits, "-o", "s.zoo", "--dtype", "int4")
      #expect(refused.status == 65, "\(refused.errors)")
      #expect(refused.errors.contains("dense layers") && refused.errors.contains("int8"), "\(refused.errors)")
      #expect(try zoo.contents().isEmpty)
    }
  }

  /// The file says how it is computed, and every command computes it so.
  @Test func activationsOf8Bits() throws {
    try withCommand { zoo in
      let limits = ["--largest-error", "10", "--output-error", "10"]
      #expect(try zoo("convert", ConvertTests.digits, "-o", "f32.zoo").status == 0)
      let result = try zoo.run(
        ["convert", ConvertTests.digits, "-o", "i.zoo", "--activations", "int8", "--report", "r.json"]
          + limits)
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("8-bit engine against reference engine"), "\(result.output)")
      #expect(result.output.contains("bit for bit") && result.output.contains("8-bit activations against"))
      let report = try #require(
        try JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: zoo.path("r.json"))))
          as? [String: Any])
      #expect(
        report["integer_output_error"] is Double && (report["float_layers"] as? [String])?.isEmpty == true)
      #expect(try zoo("verify", "i.zoo").status == 0)
      #expect(try zoo("inspect", "i.zoo").output.contains("activations"))
      let json = try zoo("inspect", "i.zoo", "--json").jsonObject()
      #expect(json["activations"] as? String == "int8")
      // With a limit that no code keeps, nothing is written.
      let refused = try zoo(
        "convert", ConvertTests.digits, "-o", "n.zoo", "--activations", "int8", "--largest-error", "10",
        "--output-error", "1e-9")
      #expect(refused.status == 65 && refused.errors.contains("move by more than"), "\(refused.errors)")
      #expect(try !zoo.contents().contains("n.zoo"))
      // Stored plainly again, it is computed in floats.
      #expect(try zoo("convert", "i.zoo", "-o", "back.zoo").status == 0)
      #expect(try zoo("inspect", "back.zoo", "--json").jsonObject()["activations"] as? String == "f32")
    }
  }

  @Test func filesThatFit() throws {
    try withCommand { zoo in
      #expect(try zoo("convert", ConvertTests.digits, "-o", "plain.zoo").status == 0)
      let limit = try size("plain.zoo", in: zoo) / 2
      let result = try zoo("convert", ConvertTests.digits, "-o", "fit.zoo", "--fit", "\(limit)B")
      #expect(result.status == 0, "\(result.errors)")
      #expect(try size("fit.zoo", in: zoo) <= limit)
      let lines = result.output.split(separator: "\n").map(String.init)
      let header = try #require(lines.firstIndex { $0.contains("SIZE") && $0.contains("ERROR") })
      let rows = lines[(header + 1)...].prefix { !$0.hasPrefix("wrote") }
      #expect(rows.count > 4 && rows.count { $0.hasPrefix("*") } == 1, "\(result.output)")
      #expect(
        rows.contains { $0.contains("with --activations int8") } && rows.contains { $0.contains("i8 ") })
      #expect(try zoo("verify", "fit.zoo").status == 0)
      let json = try zoo("convert", ConvertTests.digits, "-o", "e.zoo", "--fit-error", "0.01", "--json")
        .jsonObject()
      let frontier = try #require(json["frontier"] as? [[String: Any]])
      let chosen = try #require(frontier.first { $0["is_chosen"] as? Bool == true })
      #expect(try #require(chosen["output_error"] as? Double) <= 0.01)
      #expect(
        chosen["bytes"] is Int && chosen["weights"] is [String: Int] && chosen["milliseconds"] is Double)
      let refused = try zoo("convert", ConvertTests.digits, "-o", "no.zoo", "--fit", "1KB")
      #expect(refused.status == 65 && refused.errors.contains("the smallest file has"), "\(refused.errors)")
      #expect(try !zoo.contents().contains("no.zoo"))
    }
  }

  @Test(arguments: [
    ["--fit", "0"], ["--fit", "-1MB"], ["--fit", "much"], ["--fit", "1MB", "--fit-error", "0.1"],
    ["--fit", "1MB", "--dtype", "f16"], ["--fit-error", "0.1", "--compress"], ["--fit-error", "0"],
    ["--fit", "1MB", "--activations", "int8"],
    ["--output-error", "0.1"], ["--images", "."], ["--activations", "int8", "--dtype", "f16"],
    ["--activations", "int4"], ["--activations", "int8", "--output-error", "0"],
  ])
  func wrongArguments(arguments: [String]) throws {
    try withCommand { zoo in
      let result = try zoo.run(["convert", ConvertTests.digits, "-o", "x.zoo"] + arguments)
      #expect(result.status == 64, "\(result.errors)")
      #expect(try zoo.contents().isEmpty)
    }
  }
}
