import Foundation
import Subprocess
import Testing

/// A person at the serial console: shells with line editing and job control, an editor.
@Suite(.serialized, .enabled(if: BootSelection.asksFor("terminal")))
struct TerminalTests {
  /// Waits for a text, each after the one before, and then types keys; `@` in front of them is a pause of a
  /// second.
  private static let script = #"""
    set -u
    log=build/boots/terminal.serial.log keys=build/boots/terminal.keys
    mkdir -p build/boots; rm -f "$keys" "$log"; mkfifo "$keys"
    iso=$(Scripts/make-iso --kernel build/needletail.stripped.elf --initrd build/linux.cpio \
      --words "run=init init=/bin/sh poweroff")
    exec 3<>"$keys"
    Scripts/run-qemu --iso "$iso" --cpus 2 --timeout 150 <&3 >"$log" 2>&1 &
    machine=$! place=0
    while (($# > 1)); do
      found=
      for _ in $(seq 400); do
        found=$(tail -c +$((place + 1)) "$log" | grep -aobF -m1 -- "$1" | head -n1 | cut -d: -f1)
        [[ -z "$found" ]] || break
        kill -0 "$machine" 2>/dev/null || break
        sleep 0.1
      done
      if [[ -z "$found" ]]; then
        echo "not seen: $1"
        pkill -P "$machine"
        exit 1
      fi
      place=$((place + found + ${#1}))
      text=$2
      while [[ "$text" == @* ]]; do sleep 1; text=${text#@}; done
      printf "$text" >&3
      shift 2
    done
    wait "$machine"
    """#

  private func sit(_ steps: [(seen: String, keys: String)]) async throws {
    let result = try await Subprocess.run(
      .name("bash"), arguments: .init(["-c", Self.script, "terminal"] + steps.flatMap { [$0.seen, $0.keys] }),
      workingDirectory: .init(BootRunner.root.path), output: .string(limit: 1 << 20),
      error: .combinedWithOutput)
    let log = try Data(contentsOf: BootRunner.logs.appending(path: "terminal.serial.log"))
    #expect(
      result.terminationStatus == .exited(0),
      "\(result.standardOutput)\n\(String(decoding: log, as: UTF8.self))")
  }

  @Test func aShellHasLineEditingJobControlAndAnEditor() async throws {
    try await sit([
      ("/ # ", #"setsid sh -c "exec bash </dev/ttyS0 >/dev/ttyS0 2>&1"\r"#),
      // The left arrow, in bash's own editor.
      ("bash-", #"echo helo\033[Dl\r"#),
      // The terminal's: a word is erased; Ctrl-C ends the program and not the shell.
      ("hello", #"echo g\"\"o; cat\r"#),
      ("go", #"one two\027three\r"#),
      ("one three", #"\003"#),
      ("# ", #"echo status=$?\r"#),
      // Ctrl-Z stops it, and fg brings it back.
      ("status=130", #"echo r\"\"eady; sleep 100\r"#),
      ("ready", #"@\032"#),
      ("Stopped", #"jobs; fg\r"#),
      ("sleep 100", ""),
      ("sleep 100", #"@\003"#),
      ("# ", #"cat &\r"#),
      ("# ", #"@jobs\r"#),
      ("Stopped", #"kill %%%%; wait; TERM=vt100 vi /tmp/text\r"#),
      ("1/1 100%", #"isome text\033"#),
      ("Modified", #"@:wq\r"#),
      ("# ", #"cat /tmp/text\r"#),
      ("some text", #"exit\r"#),
      ("/ # ", #"exit\r"#),
    ])
  }
}
