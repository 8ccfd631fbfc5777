import Foundation
import Testing

@Suite struct TourReportTests {
  static func report(_ strategy: String) -> TourReport {
    TourReport(
      strategy: strategy, save: "xsave", cpus: 2, threads: 8, switches: 1000, migrations: 20, saves: 600,
      restores: 500, restoresSkipped: 90, notAvailableTraps: strategy == "lazy" ? 400 : 0,
      kernelSections: 30, mismatches: 0)
  }

  @Test(arguments: Boot.strategies)
  func plausibleNumbersHaveNoContradiction(strategy: String) {
    #expect(Self.report(strategy).contradictions.isEmpty)
  }

  @Test func eachImplausibleNumberIsNamed() {
    let changes: [(String, (inout TourReport) -> Void)] = [
      ("mismatches", { $0.mismatches = 1 }),
      ("threads", { $0.threads = 2 }),
      ("switches", { $0.switches = 3; $0.migrations = 1 }),
      ("migrations", { $0.migrations = 0 }),
      ("more migrations than switches", { $0.migrations = 1001 }),
      ("restores", { $0.restores = 0; $0.saves = 0 }),
      ("restoresSkipped", { $0.restoresSkipped = 0; $0.saves = 0 }),
      ("saves", { $0.saves = 10_000 }),
      ("kernelSections", { $0.kernelSections = 0; $0.saves = 0 }),
      ("notAvailableTraps", { $0.notAvailableTraps = 5 }),
    ]
    for (name, change) in changes {
      var report = Self.report("deferred")
      change(&report)
      #expect(report.contradictions.count == 1, "\(name): \(report.contradictions)")
    }
  }
}

/// The tour on QEMU's `max`, read from the report that `make tour` keeps as build/tour.json.
@Suite(.enabled(if: BootSelection.isWanted))
struct TourTests {
  @Test(arguments: Boot.select(Boot.tours))
  func theTourFindsNoMismatchAndItsNumbersAgree(on boot: Boot) async throws {
    let outcome = try await BootRunner.shared.run(boot)
    let rows = Result { try JSONDecoder().decode([TourReport].self, from: Data(outcome.report.utf8)) }
    var problems: [String] = []
    if outcome.ending != .passed { problems.append("the boot \(outcome.ending.rawValue)") }
    switch rows {
    case .success(let rows):
      if rows.map(\.strategy).sorted() != Boot.strategies.sorted() {
        problems.append("the strategies are \(rows.map(\.strategy))")
      }
      if rows.contains(where: { $0.cpus != boot.cpus }) {
        problems.append("the report has another number of CPUs")
      }
      problems += rows.flatMap(\.contradictions)
    case .failure(let error):
      problems.append("the report is not an array of rows: \(error)")
    }
    try await BootRunner.shared.record(
      boot.name, ending: problems.isEmpty ? "passed" : "failed", seconds: outcome.seconds)
    if !problems.isEmpty {
      Issue.record(
        """
        \(problems.joined(separator: "\n"))
        \(outcome.report)
        \(BootRunner.describe(boot, outcome))
        """)
    }
  }
}
