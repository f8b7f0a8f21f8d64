import Foundation
import Testing

@Suite("zoo export and zoo diff")
struct ExportCommandTests {
  @Test func exportsAndFindsNoDifference() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    #expect(try zoo("convert", ConvertTests.digits, "--no-verify", "-q").status == 0)
    for ending in ["safetensors", "npz", "weights.h5", "h5", "hdf5"] {
      let result = try zoo("export", "digits.zoo", "-o", "digits.\(ending)")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.hasPrefix("wrote digits.\(ending): "))
      let same = try zoo("diff", "digits.zoo", "digits.\(ending)")
      #expect(same.status == 0, "\(same.output) \(same.errors)")
      #expect(same.output.hasSuffix("all equal\n"))
    }
    let json = try zoo("export", "digits.zoo", "-o", "digits.npz", "--force", "--json").jsonObject()
    #expect(json["output"] as? String == "digits.npz" && json["tensors"] as? Int == 137)
    #expect(try zoo("export", "digits.zoo", "-o", "digits.npz").status == 73)
    #expect(try zoo("export", "digits.zoo", "-o", "digits.pb").status == 64)
    #expect(try zoo("export", "digits.zoo", "-o", "no/such/folder/d.npz").status == 73)
    #expect(try zoo("export", "nowhere.zoo", "-o", "d.npz").status == 66)
    #expect(try zoo("export", ZooCommand.fixture("malformed/truncated.h5"), "-o", "d.npz").status == 65)
    #expect(try !zoo.contents().contains { $0.hasPrefix(".") || $0 == "d.npz" })
  }

  @Test func writesONNX() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let half = ["--dtype", "f16", "--largest-error", "1", "--no-verify", "-q"]
    #expect(try zoo.run(["convert", ConvertTests.digits] + half).status == 0)
    let result = try zoo("export", "digits.zoo", "-o", "digits.onnx", "--layout", "nchw")
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    #expect(result.output.hasPrefix("wrote digits.onnx: mobilenet, 221,114 weights in 137 tensors, "))
    #expect(result.output.hasSuffix(" tensors of smaller types were written as f32\n"))
    let json = try zoo("export", "digits.zoo", "-o", "other.onnx", "--json").jsonObject()
    #expect(json["format"] as? String == "onnx" && json["data"] == nil)
    #expect(try zoo("export", "digits.zoo", "-o", "digits.npz", "--layout", "nchw").status == 64)
    #expect(try zoo("export", "digits.zoo", "-o", "o.onnx", "--layout", "hwc").status == 64)
    #expect(try zoo("export", "digits.zoo", "-o", "o.onnx", "--format", "mlx").status == 64)
    #expect(try zoo.contents().sorted() == ["digits.onnx", "digits.zoo", "other.onnx"])
  }

  @Test func writesCoreML() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    #expect(try zoo("convert", ConvertTests.digits, "--no-verify", "-q").status == 0)
    let result = try zoo("export", "digits.zoo", "-o", "Digits.mlpackage")
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(
      lines.count == 3 && lines[0].hasPrefix("wrote Digits.mlpackage: mobilenet, 221,114 weights in 137 "))
    #expect(
      lines[1].hasPrefix("it takes ") && lines[2].hasPrefix("16-bit weights move its outputs by at most "))
    // As a shell completes the folder's name.
    #expect(try zoo("export", "digits.zoo", "-o", "Digits.mlpackage/").status == 73)
    let json = try zoo(
      "export", "digits.zoo", "-o", "Digits.mlpackage/", "--dtype", "f32", "--force", "--json"
    )
    .jsonObject()
    #expect(json["format"] as? String == "mlpackage" && json["output"] as? String == "Digits.mlpackage")
    #expect(json["precision"] as? String == "f32" && json["largest_error"] == nil)
    #expect(json["interface"] as? String != nil && json["tensors"] as? Int == 137)
    #expect(try zoo("export", "digits.zoo", "-o", "digits.onnx", "--dtype", "f16").status == 64)
    #expect(try zoo("export", "digits.zoo", "-o", "D.mlpackage", "--dtype", "bf16").status == 64)
    #expect(try zoo("export", "digits.zoo", "-o", "D.mlpackage", "--format", "mlx").status == 64)
    #expect(try zoo("export", "digits.zoo", "-o", "no/such/D.mlpackage").status == 73)
    try Data([1]).write(to: URL(filePath: zoo.path("Digits.mlpackage/notes.txt")))
    let other = try zoo("export", "digits.zoo", "-o", "Digits.mlpackage", "--force")
    #expect(other.status == 73 && other.errors.contains("notes.txt"), "\(other.errors)")
    #expect(try zoo.contents().sorted() == ["Digits.mlpackage", "digits.zoo"])
  }

  @Test func differencesAreShownAndCounted() throws {
    let zoo = try ZooCommand()
    defer { zoo.cleanUp() }
    let half = ["--dtype", "f16", "--largest-error", "1", "--no-verify", "-q"]
    #expect(try zoo.run(["convert", ConvertTests.digits] + half).status == 0)
    let result = try zoo("diff", ConvertTests.digits, "digits.zoo")
    #expect(result.status == 1 && result.errors.isEmpty)
    #expect(result.output.hasPrefix("TENSOR"))
    // A heading, 20 tensors and the verdict.
    #expect(result.output.split(separator: "\n").count == 22)
    #expect(try zoo("diff", ConvertTests.digits, "digits.zoo", "--tolerance", "1").status == 0)
    let json = try zoo("diff", ConvertTests.digits, "digits.zoo", "--json")
    #expect(json.status == 1)
    let tensors = try #require(try json.jsonObject()["tensors"] as? [[String: Any]])
    #expect(tensors.count == 137)
    for key in ["name", "first", "second", "shape", "largest", "mean", "cosine"] {
      #expect(tensors[0][key] != nil, "\(key)")
    }
    #expect(try zoo("diff", ConvertTests.digits, "nowhere.zoo").status == 66)
    #expect(try zoo("diff", ConvertTests.digits, "digits.zoo", "--tolerance", "-1").status == 64)
    let strangers = try zoo(
      "diff", ZooCommand.fixture("models/vgg16.k2w.h5"), ZooCommand.fixture("malformed/no-network.npz"))
    #expect(strangers.status == 65 && strangers.errors.hasPrefix("zoo: error: nothing to compare in "))
  }
}
