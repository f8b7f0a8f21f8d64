import ZooReports
import ZooSystem
import ZooVerification

extension VerificationReport {
  /// The checks with their largest errors, for a page.
  var checksHTML: HTML {
    var table = DataTable([
      .init("Check"), .init("Result"), .init("Largest error", isNumber: true),
      .init("Allowed", isNumber: true), .init("Where"), .init("What was compared", isLong: true),
    ])
    for check in checks {
      let badge: HTML =
        switch check.status {
        case .passed: .badge("passed", .good)
        case .failed: .badge("failed", .bad)
        case .noTestimony: .badge("no testimony", .doubt)
        }
      table.add([
        .init("\(check.name)"), .init(badge),
        .init("\(check.largestError.map(significant) ?? "")", value: check.largestError ?? -1),
        .init("\(check.tolerance.map(significant) ?? "")", value: check.tolerance ?? -1),
        .init("\(check.location ?? "")"), .init("\(check.detail)"),
      ])
    }
    let charts = checks.filter { $0.parts.count > 1 }.map { check in
      Chart.shares(
        "\(check.name): the largest error of each of \(check.parts.count) parts, in their order; the dashed line is "
          + "what is allowed",
        y: "share of what is allowed",
        check.parts.map { part in
          (part.location, part.tolerance > 0 ? part.error / part.tolerance : part.error > 0 ? .infinity : 0)
        })
    }.joined()
    return table.html + "<div class=\"charts\">\(charts)</div>"
  }
}
