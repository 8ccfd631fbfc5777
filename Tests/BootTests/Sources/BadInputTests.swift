import Testing

/// Archives, boot lines and programs that are not as they should be: each is named with its fault, and the
/// kernel goes on or ends in order.
@Suite(.enabled(if: BootSelection.includes("input")))
struct BadInputTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var name: String
    /// A shell command that writes the archive to "$archive"; nothing for a boot without one.
    var archive = #"cp build/initrd.cpio "$archive""#
    var words = "selftest=threads.wait"
    var ending = BootRunner.Ending.passed
    var messages: [String]

    var testDescription: String { name }
  }

  /// The archive again, with another file as /bin/sse.
  private static func withProgram(_ command: String) -> String {
    #"\#(command) >"$archive.elf" && Scripts/make-archive --output "$archive" bin/sse="$archive.elf""#
  }

  static let cases = [
    Case(name: "input-no-archive", archive: "", messages: ["no archive", "module2 /boot/initrd.cpio"]),
    Case(
      name: "input-truncated-archive", archive: #"head -c 100000 build/initrd.cpio >"$archive""#,
      messages: ["initrd.cpio is damaged after ", "is cut off"]),
    Case(
      name: "input-garbage-archive", archive: #"yes needletail | head -c 65536 >"$archive""#,
      messages: ["initrd.cpio is damaged after 0 entries", "not a header of the newc format"]),
    Case(
      name: "input-gzip-archive", archive: #"gzip -c build/initrd.cpio >"$archive""#, messages: ["ok 1 - "]),
    Case(
      name: "input-archives-in-a-row",
      archive: #"{ gzip -c build/initrd.cpio; head -c 512 /dev/zero; cat build/initrd.cpio; } >"$archive""#,
      messages: ["ok 1 - "]),
    Case(
      name: "input-truncated-gzip", archive: #"gzip -c build/initrd.cpio | head -c 50000 >"$archive""#,
      messages: ["initrd.cpio is unusable from byte 0 on: gzip: the data is cut off", "gzip -t"]),
    Case(
      name: "input-xz-archive", archive: #"printf '\375'7zXZ'\0\0\0\0' >"$archive""#,
      messages: ["initrd.cpio is unusable from byte 0 on: ", "compress it by gzip"]),
    Case(name: "input-empty-archive", archive: #": >"$archive""#, messages: ["initrd.cpio is empty"]),
    Case(
      name: "input-boot-line",
      words: "colour=blue fpu.strategy=sometimes cpus=none fpu.save=all selftest=threads.wait seed=",
      messages: [
        "unknown word: colour=blue", "bad value: fpu.strategy=sometimes (eager, lazy or deferred)",
        "bad value: cpus=none (a number from 1 to 64)", "bad value: fpu.save=all", "bad value: seed=",
      ]),
    Case(
      name: "input-missing-instruction", words: "fpu.save=xsaves selftest=threads.wait",
      messages: ["fpu.save=xsaves is not possible"]),
    Case(
      name: "input-no-init", words: "run=init init=/bin/missing", ending: .failed,
      messages: ["init=/bin/missing: no such file"]),
    Case(
      name: "input-init-arguments", words: "run=init -- one two",
      messages: ["one", "two", "/init (", "ended with status 0"]),
    Case(
      name: "input-init-words", words: "console=ttyS0 quiet rdinit=/init single A=b -- x=1",
      messages: ["single", "x=1", "ended with status 0"]),
    Case(
      name: "input-no-program", archive: withProgram("head -c 0 /dev/null"),
      words: "selftest=fpu.fork", ending: .failed, messages: ["/bin/mixed: no such file"]),
    Case(
      name: "input-empty-program", archive: withProgram("head -c 0 /dev/null"),
      words: "selftest=fpu.load", ending: .failed, messages: ["/bin/sse: ELF: "]),
    Case(
      name: "input-truncated-program", archive: withProgram("head -c 5000 build/user/bin/sse"),
      words: "selftest=fpu.load", ending: .failed, messages: ["/bin/sse: ELF: "]),
    Case(
      name: "input-garbage-program", archive: withProgram("yes needletail | head -c 5000"),
      words: "selftest=fpu.load", ending: .failed, messages: ["/bin/sse: ELF: "]),
  ]

  private static let script = #"""
    set -eu -o pipefail
    name=$1 words=$2 make=$3
    mkdir -p build/boots
    archive=build/boots/$name.cpio iso=build/boots/$name.iso
    # `head` may end before the one that writes to it.
    set +o pipefail; eval "$make"; set -o pipefail
    Scripts/make-iso --kernel build/needletail.stripped.elf ${make:+--initrd "$archive"} --words "$words poweroff"       --output "$iso" >/dev/null
    status=0
    Scripts/run-qemu --iso "$iso" --cpus 2 --timeout 60 --quiet </dev/null || status=$?
    rm -f "$archive" "$archive.elf" "$iso"
    exit "$status"
    """#

  @Test(arguments: cases)
  func badInputIsNamedWithItsFault(in boot: Case) async throws {
    let result = try await BootRunner.shared.run(
      command: Self.script, arguments: [boot.name, boot.words, boot.archive])
    let log = result.output
    let ending = BootRunner.Ending(result.status)
    let isAsExpected = ending == boot.ending && boot.messages.allSatisfy { log.contains($0) }
    try await BootRunner.shared.record(
      boot.name, ending: isAsExpected ? "passed" : "failed", seconds: result.seconds)
    #expect(ending == boot.ending, "\(log)")
    for message in boot.messages { #expect(log.contains(message), "not said: \(message)\n\(log)") }
  }
}
