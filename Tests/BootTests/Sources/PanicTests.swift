import Testing

/// Faults of the kernel itself: what the report of a panic has to show.
@Suite(.enabled(if: BootSelection.includes("panic")))
struct PanicTests {
  struct Fault: Sendable, CustomTestStringConvertible {
    /// The test in the guest that brings it about.
    var test: String
    var reason: String
    /// Functions in the backtrace, the innermost first.
    var functions: [String]
    /// A panic that the kernel's own code calls has no fault's registers.
    var showsRegisters = true

    var testDescription: String { test }
  }

  static let faults = [
    Fault(
      test: "panic.nullDereference", reason: "page fault in the kernel, address 0x1",
      functions: ["selfTestReadNothing+", "PanicTests", "threadStart+"]),
    Fault(
      test: "panic.stackOverflow", reason: "double fault in the kernel",
      functions: ["selfTestRecurse+", "selfTestRecurse+"]),
    Fault(
      test: "panic.fpuInstructionOutsideASection",
      reason: "FPU instruction in the kernel outside a SIMD section",
      functions: ["fpuReadMXCSR+", "PanicTests", "threadStart+"]),
    Fault(
      test: "panic.failedCheck", reason: "asked for by a test", functions: ["PanicTests", "threadStart+"],
      showsRegisters: false),
  ]

  @Test(arguments: faults)
  func aPanicShowsReasonRegistersAndBacktrace(of fault: Fault) async throws {
    let boot = Boot(
      name: fault.test, emulator: .qemu, cpuModel: "max", cpus: 2, words: "selftest=\(fault.test) poweroff",
      timeoutSeconds: 60)
    let outcome = try await BootRunner.shared.run(boot)
    let description = BootRunner.describe(boot, outcome)
    try await BootRunner.shared.record(
      boot.name, ending: outcome.ending == .panicked ? "passed" : outcome.ending.rawValue,
      seconds: outcome.seconds)
    #expect(outcome.ending == .panicked, "\(description)")
    let lines = outcome.serialLog.split(whereSeparator: \.isNewline)
    let start = lines.firstIndex { $0.hasPrefix("panic on CPU ") && $0.contains(fault.reason) }
    guard let start else {
      Issue.record("no panic with the reason: \(fault.reason)\n\(description)")
      return
    }
    let report = lines[start...]
    let registers = ["rip", "rsp", "rbp", "error", "rax", "r15", "cr0", "cr2", "cr3", "cr4"]
    for name in registers where fault.showsRegisters {
      #expect(report.contains { $0.contains("\(name) 0x") }, "\(name) is not shown\n\(description)")
    }
    var frames = report.filter { $0.hasPrefix("  at 0x") }
    for function in fault.functions {
      let place = frames.firstIndex { $0.contains(function) }
      #expect(place != nil, "\(function) is not in the backtrace, or not in its place\n\(description)")
      if let place { frames.removeSubrange(...place) }
    }
  }
}
