import Testing

/// Archives booted as for Linux: by their init, whose status comes out, and with a person at the shell.
@Suite(.enabled(if: BootSelection.isWanted))
struct LinuxBootTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var boot: BootScript
    var status: Int
    var messages: [String] = []

    var testDescription: String { boot.name }
  }

  static let cases = [
    Case(
      boot: BootScript(
        name: "linux-exit-status", archive: "build/linux.cpio",
        words: #"init=/bin/sh A=b console=ttyS0 -- -c "echo $A $0 $$; exit 7""#),
      status: 7, messages: ["b /bin/sh 1"]),
    Case(
      boot: BootScript(
        name: "linux-fault-status", archive: "build/linux.cpio", words: "rdinit=/bin/fault"),
      status: 2),
    Case(
      boot: BootScript(name: "linux-power-off", archive: "build/linux.cpio", words: "init=/bin/poweroff -- -f"),
      status: 0),
    Case(boot: BootScript(name: "linux-no-init", archive: "build/linux.cpio", words: "init=/bin/nosuch"),
      status: 125, messages: ["init=/bin/nosuch: "]),
    Case(
      boot: BootScript(
        name: "linux-swift", archive: "build/linux-swift.cpio.gz", words: "", cpus: 4),
      status: 0, messages: [" CPUs: 0 failures"]),
    Case(
      boot: BootScript(name: "linux-demo", archive: "build/shell.cpio", words: "demo", cpus: 4),
      status: 0, messages: ["999", "every register held", "The demonstration ended."]),
    Case(
      boot: BootScript(
        name: "linux-shell", archive: "build/shell.cpio", words: "TERM=vt100",
        steps: "Tests/BootTests/Steps/shell.txt"),
      status: 5),
    Case(
      boot: BootScript(
        name: "linux-typed-ahead", archive: "build/linux.cpio", words: "init=/bin/sh",
        typedAhead: #"echo $((6 * 7))7\nexit 3\n"#),
      status: 3, messages: ["427"]),
    Case(
      boot: BootScript(
        name: "linux-terminal", archive: "build/linux.cpio", words: "init=/bin/sh",
        steps: "Tests/BootTests/Steps/terminal.txt"),
      status: 0),
    Case(
      boot: BootScript(
        name: "linux-initramfs", archive: "build/linux.cpio", words: "init=/bin/sh",
        steps: "Tests/BootTests/Steps/initramfs.txt"),
      status: 4),
    Case(
      boot: BootScript(
        name: "linux-fuzz", archive: "build/linux.cpio",
        words: "init=/bin/fuzz-calls -- --calls 300000 --rounds 2 --seed 20", timeoutSeconds: 240),
      status: 0, messages: ["fuzz: passed"]),
    Case(
      boot: BootScript(
        name: "linux-compared",
        command: "Scripts/compare-with-linux --skip --kernel \(BootRunner.kernel) --rounds 6 --differences 1"
          + ["tree", "memory", "descriptors", "processes", "signals"].map { " --family \($0)" }.joined(), steps: nil),
      // That nothing differs, or why nothing was compared.
      status: 0, messages: ["compare-with-linux: "]),
    Case(
      boot: BootScript(
        name: "linux-hogs", archive: "build/linux.cpio",
        words: #"init=/bin/sh -- -c "mount -t proc proc /proc; mount -t devtmpfs dev /dev; setsid cttyhack sh; exit $?""#,
        timeoutSeconds: 300, steps: "Tests/BootTests/Steps/hogs.txt"),
      status: 6),
    Case(
      boot: BootScript(
        name: "linux-soak", archive: "build/linux.cpio", words: "init=/bin/soak -- --seconds 120", cpus: 4,
        timeoutSeconds: 300),
      status: 0, messages: ["0 failed, "]),
  ]

  @Test(arguments: BootSelection.select(cases) { $0.boot.name })
  func initsStatusAndOutputComeThrough(of boot: Case) async throws {
    let (status, log, seconds) = try await boot.boot.run()
    let isAsExpected = status == boot.status && boot.messages.allSatisfy { log.contains($0) }
    try await BootRunner.shared.record(
      boot.boot.name, ending: isAsExpected ? "passed" : "failed", seconds: seconds)
    #expect(status == boot.status, "\(log)")
    for message in boot.messages { #expect(log.contains(message), "not said: \(message)\n\(log)") }
  }
}
