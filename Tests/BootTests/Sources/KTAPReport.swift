/// What a guest reported of its tests: the KTAP lines found in a serial log.
///
/// The log holds other lines as well, which are passed over, and it may end anywhere: a guest that hangs or
/// panics leaves a truncated report, and so ``complaints`` is as important as the results.
/// The format is the kernel's own, described in Linux's Documentation/dev-tools/ktap.rst.
struct KTAPReport: Equatable {
  enum Outcome: Equatable {
    case passed
    case failed
    /// `reason` is what stands behind `# SKIP`, possibly nothing.
    case skipped(reason: String)
  }

  struct Result: Equatable {
    var number: Int
    var name: String
    var outcome: Outcome
  }

  /// How many results the plan line `1..N` promises, where there is one.
  private(set) var planned: Int?
  private(set) var results: [Result] = []
  /// What is wrong with the report itself, in words. An empty list means that it is whole.
  private(set) var complaints: [String] = []

  var passed: Int { results.count { $0.outcome == .passed } }
  var failed: Int { results.count { $0.outcome == .failed } }
  var skipped: Int { results.count - passed - failed }

  /// True where the report is whole, at least one test passed and none failed.
  var isSuccess: Bool { complaints.isEmpty && failed == 0 && passed > 0 }

  init(log: String) {
    var hasVersion = false
    for line in log.split(whereSeparator: \.isNewline) {
      if line.hasPrefix("KTAP version ") {
        if hasVersion { complaints.append("a second version line: the guest started over") }
        hasVersion = true
      } else if hasVersion, let count = Self.plan(line) {
        if planned != nil { complaints.append("a second plan line") }
        planned = count
      } else if hasVersion, let result = Self.result(line) {
        if result.number != results.count + 1 {
          complaints.append("result \(results.count + 1) has the number \(result.number)")
        }
        results.append(result)
      } else if hasVersion, line.hasPrefix("Bail out!") {
        complaints.append(String(line))
      }
    }
    if !hasVersion { complaints.append("no version line: the tests never started") }
    if let planned {
      if planned == 0 { complaints.append("the plan is empty: no test was selected") }
      if planned != results.count {
        complaints.append("\(planned) tests were planned and \(results.count) reported")
      }
    } else if hasVersion {
      complaints.append("no plan line")
    }
  }

  /// The N of a line `1..N`.
  private static func plan(_ line: Substring) -> Int? {
    guard line.hasPrefix("1..") else { return nil }
    return Int(line.dropFirst(3).prefix { $0.isNumber })
  }

  /// A line `ok N - name # SKIP reason` or `not ok N - name`. The dash may be missing.
  private static func result(_ line: Substring) -> Result? {
    let isOK = line.hasPrefix("ok ")
    guard isOK || line.hasPrefix("not ok ") else { return nil }
    let rest = line.dropFirst(isOK ? 3 : 7)
    let digits = rest.prefix { $0.isNumber }
    guard let number = Int(digits) else { return nil }
    var name = rest.dropFirst(digits.count).drop { $0 == " " }
    if name.hasPrefix("- ") { name = name.dropFirst(2) }

    var outcome: Outcome = isOK ? .passed : .failed
    if let hash = name.firstIndex(of: "#") {
      let directive = name[name.index(after: hash)...].drop { $0 == " " }
      if isOK, directive.uppercased().hasPrefix("SKIP") {
        outcome = .skipped(reason: directive.dropFirst(4).trimmed)
      }
      name = name[..<hash]
    }
    return Result(number: number, name: name.trimmed, outcome: outcome)
  }
}

extension Substring {
  fileprivate var trimmed: String {
    var trimmed = drop(while: \.isWhitespace)
    while trimmed.last?.isWhitespace == true { trimmed.removeLast() }
    return String(trimmed)
  }
}
