import Testing

/// The prompt on the serial line, with what a person would type.
@Suite(.enabled(if: BootSelection.includes("monitor")))
struct MonitorTests {
  @Test func theMonitorAnswersEachCommand() async throws {
    let boot = Boot(
      name: "monitor", emulator: .qemu, cpuModel: "max", cpus: 2, words: "run=monitor", timeoutSeconds: 120)
    let script = BootScript(
      name: boot.name, command: "bash -c '\(BootRunner.command(boot).replacing("'", with: #"'"'"'"#))'",
      steps: "Tests/BootTests/Steps/monitor.txt")
    let (status, log, seconds) = try await script.run()
    try await BootRunner.shared.record(boot.name, ending: status == 0 ? "passed" : "failed", seconds: seconds)
    #expect(status == 0, "\(log)")
  }
}
