import Foundation
import Testing

/// gdb on the host debugs a program in the guest, with Debian's gdbserver there, over the second serial line; and opens a
/// core that comes out of the guest.
@Suite(.enabled(if: BootSelection.includes("debugger")))
struct DebuggerTests {
  /// gdbserver stays when its program has ended, since a line cannot be hung up: the first process looks for that.
  private static let script = #"""
    set -u
    mkdir -p build/boots
    work=$(mktemp -d) log=build/boots/debugger.serial.log
    trap 'rm -rf "$work"' EXIT
    rm -f "$log"
    guest='mount -t proc proc /proc; gdbserver /dev/ttyS1 /bin/vectors & sleep 2'
    guest+='; while pidof vectors >/dev/null; do sleep 1; done'
    iso=$(Scripts/make-iso --kernel "$KERNEL" --initrd build/linux.cpio \
      --words "run=init poweroff init=/bin/sh -- -c \"$guest\"") || exit 1
    Scripts/run-qemu --iso "$iso" --cpus 2 --timeout 120 --debug-line "$work/line" </dev/null >"$log" 2>&1 &
    machine=$!
    for _ in $(seq 300); do
      grep -qs "Remote debugging using" "$log" && break
      kill -0 "$machine" 2>/dev/null || break
      sleep 0.2
    done
    NEEDLETAIL_DEBUG_LINE="$work/line" timeout 100 gdb -nx -batch -x Tests/BootTests/Debugger/vectors.gdb \
      build/linux/debugged/vectors 2>&1
    wait "$machine"
    echo "the machine ended with $?"
    """#

  /// The core comes out on the console, compressed and as text.
  private static let coreScript = #"""
    set -u
    mkdir -p build/boots
    work=$(mktemp -d) log=build/boots/core.serial.log
    trap 'rm -rf "$work"' EXIT
    guest='cd /tmp; crash; echo status $?; gzip core; echo BEGIN CORE; base64 core.gz; echo END CORE'
    iso=$(Scripts/make-iso --kernel "$KERNEL" --initrd build/linux.cpio \
      --words "run=init poweroff init=/bin/sh -- -c \"$guest\"") || exit 1
    Scripts/run-qemu --iso "$iso" --cpus 2 --timeout 120 --serial "$log" </dev/null 2>&1
    echo "the machine ended with $?"
    tr -d '\r' <"$log" | sed -n '/^BEGIN CORE$/,/^END CORE$/p' | sed '1d;$d' | base64 -d | gunzip >"$work/core"
    gdb -nx -batch -x Tests/BootTests/Debugger/core.gdb build/linux/debugged/crash "$work/core" 2>&1
    """#

  @Test func gdbOpensACoreOfTheGuests() async throws {
    let output = try await Self.run(Self.coreScript, name: "core").output
    Self.expect(
      [
        "the machine ended with 0", "Program terminated with signal SIGSEGV", "* 1    ", "crash_here", "  2    ",
        "#0 ", "crash_here (where=", "#1 ", "descend (depth=depth@entry=0)", "descend (depth=depth@entry=2)",
        "in main ()", "= {1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5}", "= 11\n", "0x18\n",
        "= {10.5, 20.5, 30.5, 40.5, 50.5, 60.5, 70.5, 80.5}", "AT_PAGESZ", "4096",
      ], in: output)
  }

  /// - Returns: what the script printed, and the serial log.
  private static func run(_ script: String, name: String) async throws -> (output: String, log: String) {
    let result = try await BootRunner.shared.run(command: "KERNEL='\(BootRunner.kernel)'\n" + script)
    let isWell = result.output.contains("the machine ended with 0")
    try await BootRunner.shared.record(name, ending: isWell ? "passed" : "failed", seconds: result.seconds)
    return (result.output, BootRunner.text(of: BootRunner.logs.appending(path: "\(name).serial.log")))
  }

  /// Each text is there, behind the one before.
  private static func expect(_ texts: [String], in output: String, _ more: String = "") {
    var rest = output[...]
    for text in texts {
      guard let range = rest.range(of: text) else {
        Issue.record("gdb did not say, in this order: \(text)\n\(output)\n\(more)")
        return
      }
      rest = rest[range.upperBound...]
    }
  }

  @Test func gdbSeesThreadsAndVectorsAndChangesThem() async throws {
    let (output, log) = try await Self.run(Self.script, name: "debugger")
    let expected = [
      "hit Breakpoint 1",
      // The way down to where it stopped.
      "#1 ", "descend (depth=depth@entry=0)", "descend (depth=depth@entry=2)", "#4 ", "in main ()",
      "* 1    Thread ", "  2    Thread ",
      "= {1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5}",
      "= 2.71828182845904509",
      "= [ IM DM ZM OM UM PM ]",
      // A write to XMM1 leaves the upper half of YMM1 as it was.
      "= {1.25, 2.25, 3.25, -4, 0, 0, 0, 0}",
      "= (void (*)()) 0x1\n",
      "hit Breakpoint 2, stop_here ()",
      "= {1.25, 2.25, 3.25, -4}\n",
      // A software watchpoint would be just "Watchpoint 3".
      "Hardware watchpoint 3: watched", "Hardware watchpoint 3: watched", "Old value = 0", "New value = 7",
      "change_watched ()", "= 7\n",
      // Ctrl-C, a character on the line.
      "received signal SIGINT", "run_until_told ()", "in main ()",
      "exited with code 041]",
      "the machine ended with 0",
    ]
    Self.expect(expected, in: output, "--- serial log\n\(log)")
    // The program has seen it too.
    #expect(log.contains("the debugger has left 1.25 2.25 3.25 -4"), "\(log)")
  }
}
