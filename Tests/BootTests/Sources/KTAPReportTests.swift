import Testing

@Suite struct KTAPReportTests {
  static let whole = """
    [0.1] needletail: 2 CPUs
    KTAP version 1
    1..3
    ok 1 - areaSizeMatchesTheProcessor
    # 128 switches
    ok 2 - upperHalvesSurvive # SKIP no AVX
    [0.2] a line of the log that is no result: ok
    not ok 3 - exitForgetsTheOwner # owner is 7
    # needletail: exit status failed
    """

  @Test func resultsAreFoundAmongOtherLines() {
    let report = KTAPReport(log: Self.whole)
    #expect(report.planned == 3)
    #expect(
      report.results == [
        .init(number: 1, name: "areaSizeMatchesTheProcessor", outcome: .passed),
        .init(number: 2, name: "upperHalvesSurvive", outcome: .skipped(reason: "no AVX")),
        .init(number: 3, name: "exitForgetsTheOwner", outcome: .failed),
      ])
    #expect(report.complaints.isEmpty)
    #expect(!report.isSuccess)
    #expect((report.passed, report.failed, report.skipped) == (1, 1, 1))
  }

  @Test func linesOfASerialTerminalEndInCarriageReturnAndLineFeed() {
    let report = KTAPReport(log: "KTAP version 1\r\n1..1\r\nok 1 - boots\r\n")
    #expect(report.isSuccess)
    #expect(report.results == [.init(number: 1, name: "boots", outcome: .passed)])
  }

  @Test func aLogCutAnywhereIsNoSuccess() {
    let log = "KTAP version 1\n1..2\nok 1 - first\nok 2 - second\n"
    #expect(KTAPReport(log: log).isSuccess)
    // The last line stands once its number is there, so what is cut before that must fail.
    let end = log.range(of: "ok 2").map { log.distance(from: log.startIndex, to: $0.upperBound) } ?? 0
    for length in 0..<end {
      #expect(!KTAPReport(log: String(log.prefix(length))).isSuccess, "cut after \(length) characters")
    }
  }

  @Test(arguments: [
    ("", "no version line: the tests never started"),
    ("1..1\nok 1 - early\n", "no version line: the tests never started"),
    ("KTAP version 1\nok 1 - a\n", "no plan line"),
    ("KTAP version 1\n1..0\n", "the plan is empty: no test was selected"),
    ("KTAP version 1\n1..2\nok 1 - a\n", "2 tests were planned and 1 reported"),
    ("KTAP version 1\n1..1\nok 1 - a\nok 2 - b\n", "1 tests were planned and 2 reported"),
    ("KTAP version 1\n1..2\nok 1 - a\nok 1 - a\n", "result 2 has the number 1"),
    ("KTAP version 1\n1..1\nok 1 - a\nKTAP version 1\n", "a second version line: the guest started over"),
    ("KTAP version 1\n1..1\nok 1 - a\nBail out! no memory\n", "Bail out! no memory"),
  ])
  func aReportThatIsNotWholeSaysWhatIsWrong(log: String, complaint: String) {
    let report = KTAPReport(log: log)
    #expect(report.complaints.contains(complaint), "\(report.complaints)")
    #expect(!report.isSuccess)
  }

  @Test func skippingEverythingIsNoSuccess() {
    let report = KTAPReport(log: "KTAP version 1\n1..1\nok 1 - a # SKIP not today\n")
    #expect(report.complaints.isEmpty)
    #expect(!report.isSuccess)
  }

  @Test func aFailureMarkedAsSkippedStaysAFailure() {
    #expect(KTAPReport(log: "KTAP version 1\n1..1\nnot ok 1 - a # SKIP\n").failed == 1)
  }
}
