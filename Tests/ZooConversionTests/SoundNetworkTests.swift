import Testing
import ZooConversion
import ZooTestSupport

/// Networks whose statistics are right, but of other inputs than images: nothing can be said, and nothing is.
@Suite struct SoundNetworkTests {
  /// Each looks as if tensors had been exchanged, to a check that forgets how many pairs it tries.
  @Test(arguments: ["chain", "sum"]) func whatChanceMakesUpIsNoAlarm(name: String) throws {
    var options = Converter.Options()
    options.dryRun = true
    let report = try Converter(options: options).convert(fixture("statistics/\(name).keras"), to: "none.zoo")
    let check = try #require(report.verification?.checks.first { $0.name == "batch-norm statistics" })
    #expect(check.status == .noTestimony, "\(check.detail)")
  }

  /// It scales the pixels itself, so that nobody stated that they go in as they are.
  @Test func theNetworksOwnScalingIsNoStatement() throws {
    var options = Converter.Options()
    options.dryRun = true
    let report = try Converter(options: options).convert(fixture("statistics/twice.keras"), to: "none.zoo")
    let verification = try #require(report.verification)
    let check = try #require(verification.checks.first { $0.name == "batch-norm statistics" })
    #expect(check.status == .noTestimony && check.detail.contains("agree with preprocessing 'unit'"))
    #expect(verification.passed && verification.isDoubtful)
  }
}
