import Foundation
import Subprocess
import Testing

/// The prompt on the serial line, with what a person would type.
@Suite(.enabled(if: BootSelection.isWanted && ["full", "all", "quick", "monitor"].contains(BootSelection.words)))
struct MonitorTests {
  /// Types each line once the prompt is there again, and keeps what the machine shows.
  private static let script = #"""
    set -u
    log=build/boots/monitor.serial.log keys=build/boots/monitor.keys
    mkdir -p build/boots; rm -f "$keys" "$log"; mkfifo "$keys"
    iso=$(Scripts/make-iso --kernel build/needletail.stripped.elf --initrd build/initrd.cpio --words run=monitor)
    exec 3<>"$keys"
    Scripts/run-qemu --iso "$iso" --cpus 2 --timeout 120 <&3 >"$log" 2>&1 &
    machine=$! prompts=0
    for line in "$@"; do
      prompts=$((prompts + 1))
      for _ in $(seq 600); do
        [[ $(grep -ao 'needletail> ' "$log" | wc -l) -lt $prompts ]] || break
        sleep 0.1
      done
      printf '%s\r' "$line" >&3
    done
    wait "$machine"
    """#

  @Test func theMonitorAnswersEachCommand() async throws {
    let lines = [
      "hlp", "strategy lazy", "run /bin/sse --rounds 10", "counters", "threads", "cpus", "memory", "poweroff",
    ]
    let result = try await Subprocess.run(
      .name("bash"), arguments: .init(["-c", Self.script, "monitor"] + lines),
      workingDirectory: .init(BootRunner.root.path), output: .string(limit: 1 << 20),
      error: .combinedWithOutput)
    let data = try Data(contentsOf: BootRunner.logs.appending(path: "monitor.serial.log"))
    let log = String(decoding: data, as: UTF8.self)
    #expect(result.terminationStatus == .exited(0), "\(log)")
    let answers = [
      "There is no command `hlp`", "by the strategy lazy", "ended with status 0", "Since boot, for each CPU",
      "migrations   CPU ms", "FPU owner", "physical memory",
    ]
    for answer in answers { #expect(log.contains(answer), "\(answer)\n\(log)") }
  }
}
