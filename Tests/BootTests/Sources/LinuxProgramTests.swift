import Testing

/// Unmodified Linux programs: those of Tests/LinuxPrograms, run one after the other by the archive's
/// `/bin/run-tests`. One boot runs them all, so that there are few boots.
@Suite(.enabled(if: BootSelection.isWanted))
struct LinuxProgramTests {
  static func boot(model: String, cpu: String, cpus: Int, strategy: String) -> Boot {
    Boot(
      name: "linux-\(model)-\(cpus)cpu-\(strategy)", emulator: .qemu, cpuModel: cpu, cpus: cpus,
      words: "run=init init=/bin/run-tests poweroff fpu.strategy=\(strategy)", timeoutSeconds: 480,
      archive: "build/linux.cpio")
  }

  /// Each strategy on four CPUs, with 32 programs at once among the tests; one boot on a CPU without XSAVE.
  static let boots = [
    boot(model: "max", cpu: "max", cpus: 4, strategy: "deferred"),
    boot(model: "max", cpu: "max", cpus: 4, strategy: "lazy"),
    boot(model: "avx", cpu: "SandyBridge", cpus: 4, strategy: "eager"),
    boot(model: "fxsave", cpu: "Opteron_G1", cpus: 1, strategy: "deferred"),
  ]

  /// Linux's own tests (Tests/LinuxSelfTests).
  static let selfTests = Boot.strategies.map { strategy in
    Boot(
      name: "linux-selftests-2cpu-\(strategy)", emulator: .qemu, cpuModel: "max", cpus: 2,
      words: "run=init init=/bin/run-tests poweroff fpu.strategy=\(strategy)", timeoutSeconds: 300,
      archive: "build/linux-selftests.cpio")
  }
    // Those that give other threads a few milliseconds, which a busy host may take.
    + [
      Boot(
        name: "linux-selftests-timed", emulator: .qemu, cpuModel: "max", cpus: 1,
        words: "run=init init=/bin/run-tests poweroff -- timed/", timeoutSeconds: 120,
        archive: "build/linux-selftests.cpio", countsInstructions: true)
    ]

  /// What programs see of extended state, on Bochs: with AVX-512, with protection keys, and by the instructions that it
  /// alone has. Random frames on the model without protection keys: Bochs 3.0 applies PKRU to the kernel's pages as well.
  static let extendedStates = [
    ("skylake_x", "corei7_skylake_x", "", " frame-fuzz"), ("tigerlake", "tigerlake", "", ""),
    ("skylake_x-xsaveopt", "corei7_skylake_x", " fpu.save=xsaveopt", ""),
    ("skylake_x-xsavec", "corei7_skylake_x", " fpu.save=xsavec", ""),
  ].map { name, model, words, more in
    Boot(
      name: "linux-bochs-\(name)", emulator: .bochs, cpuModel: model, cpus: 2,
      words: "run=init init=/bin/run-tests poweroff\(words)"
        + " -- extended-state signal-frames debugger-registers core-dump\(more)",
      timeoutSeconds: 400, archive: "build/linux.cpio")
  }

  @Test(arguments: Boot.select(extendedStates + boots + selfTests))
  func linuxProgramsPass(on boot: Boot) async throws {
    let outcome = try await BootRunner.shared.run(boot)
    let report = KTAPReport(log: outcome.serialLog)
    let isSuccess = outcome.ending == .passed && report.isSuccess
    let ending = isSuccess || outcome.ending != .passed ? outcome.ending.rawValue : "incomplete"
    try await BootRunner.shared.record(boot.name, ending: ending, report, seconds: outcome.seconds)
    if !isSuccess {
      let failed = report.results.filter { $0.outcome == .failed }.map(\.name)
      Issue.record(
        """
        \(boot.name) \(ending): failed: \(failed.joined(separator: ", ")); \
        \(report.complaints.joined(separator: "; "))
        \(BootRunner.describe(boot, outcome))
        """)
    }
  }
}
