import Foundation
import Testing
import ZooConversion
import ZooTestSupport
import ZooVerification

/// What reports look like as JSON.
@Suite struct ReportTests {
  private func json(_ value: some Encodable) throws -> [String: Any] {
    try #require(JSONSerialization.jsonObject(with: JSONEncoder().encode(value)) as? [String: Any])
  }

  /// Whether `object` has one value under a key and under the key that earlier versions wrote.
  private func expect(_ keys: [String: String], in object: [String: Any]) throws {
    for (key, former) in keys {
      let value = try #require(object[key] as? NSObject, "\(key)")
      #expect(object[former] as? NSObject == value, "\(former)")
    }
  }

  @Test func keysAreInSnakeCaseAndAsBefore() throws {
    var options = FixtureModelTests.options(for: "mobilenet.h5", storage: .f16)
    options.dryRun = true
    options.verify = false
    let dry = try json(Converter(options: options).convert(fixture("models/mobilenet.h5"), to: "none.zoo"))
    try expect(
      ["kernel_order": "kernelOrder", "preprocessing_is_assumed": "preprocessingIsAssumed"], in: dry)
    #expect(dry["verification"] == nil && dry["output_bytes"] == nil && dry["outputBytes"] == nil)

    try withFolder { folder in
      options.dryRun = false
      let report = try Converter(options: options).convert(
        fixture("models/mobilenet.h5"), to: folder.appending(path: "model.zoo").path)
      let object = try json(report)
      try expect(["output_bytes": "outputBytes"], in: object)
      let rows = try #require(object["tensors"] as? [[String: Any]])
      for row in rows {
        try expect(
          ["source_shape": "sourceShape", "source_type": "sourceType", "stored_type": "storedType"], in: row)
      }
      let rounded = try #require(rows.first { $0["storage_error"] != nil })
      try expect(["storage_error": "storageError"], in: rounded)
      let decoded = try JSONDecoder().decode(ConversionReport.self, from: JSONEncoder().encode(report))
      #expect(decoded.tensors.map(\.storageError) == report.tensors.map(\.storageError))
    }
  }

  @Test func keysOfChecks() throws {
    let check = VerificationReport.Check(
      "a check", .passed, largestError: 0.5, tolerance: 1, errorRatio: 2, detail: "something")
    try expect(["largest_error": "largestError", "error_ratio": "errorRatio"], in: json(check))
    let plain = try json(VerificationReport.Check("a check", .noTestimony, detail: "nothing"))
    #expect(Set(plain.keys) == ["name", "status", "detail"])
  }
}
