import Testing

/// Boots the kernel's own tests on many machines. `make test` asks for them by NEEDLETAIL_BOOT_TESTS=1, after
/// it has built the image; `swift test` alone leaves them out.
@Suite(.enabled(if: BootSelection.isWanted))
struct BootMatrixTests {
  @Test(arguments: Boot.select(Boot.fullMatrix))
  func selfTestsPass(on boot: Boot) async throws {
    let outcome = try await BootRunner.shared.run(boot)
    let report = KTAPReport(log: outcome.serialLog)
    let isSuccess = outcome.ending == .passed && report.isSuccess
    // A guest may claim to have passed with a report that is not whole.
    let ending = isSuccess || outcome.ending != .passed ? outcome.ending.rawValue : "incomplete"
    try await BootRunner.shared.record(boot.name, ending: ending, report, seconds: outcome.seconds)
    if !isSuccess {
      Issue.record(
        """
        \(boot.name) \(ending): \(report.passed) passed, \(report.failed) failed; \
        \(report.complaints.joined(separator: "; "))
        \(BootRunner.describe(boot, outcome))
        """)
    }
  }
}

@Suite struct BootSelectionTests {
  @Test func theFullMatrixHasEachCombinationOnce() {
    let names = Boot.fullMatrix.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(names.count == (Boot.models.count * 3 + 2) * Boot.strategies.count + Boot.forcedInstructions.count + 2)
  }

  @Test func theQuickMatrixNamesBootsThatExist() {
    let names =
      (Boot.fullMatrix + Boot.tours + LinuxProgramTests.boots).map(\.name) + LinuxBootTests.cases.map(\.boot.name)
    #expect(BootSelection.select(names, by: "quick") { $0 }.count == Boot.quickNames.count)
  }

  @Test func aPartOfANameSelects() {
    #expect(Boot.select(Boot.fullMatrix, by: "bochs-tigerlake").count == 3)
    #expect(Boot.select(Boot.fullMatrix, by: "no such boot").isEmpty)
  }
}
