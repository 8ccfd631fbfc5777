import Foundation
import Subprocess

/// Boots the kernel that `make image` built, at most two at a time, and keeps the logs in build/boots.
actor BootRunner {
  static let shared = BootRunner()

  enum Ending: String, Sendable {
    case passed, failed, panicked, hung, broken

    /// From the exit status of Scripts/run-qemu and Scripts/run-bochs.
    init(_ status: TerminationStatus) {
      self =
        switch status {
        case .exited(0): .passed
        case .exited(1): .failed
        case .exited(2): .panicked
        case .exited(3): .hung
        default: .broken
        }
    }
  }

  struct Outcome: Sendable {
    var ending: Ending
    var serialLog: String
    /// What the kernel sent to port 0xE9.
    var report: String
    /// What the scripts printed.
    var messages: String
    /// From the boot's turn to its end.
    var seconds: Int
  }

  /// The top of the tree: this file is Tests/BootTests/Sources/BootRunner.swift in it.
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()
  static let logs = root.appending(path: "build/boots")

  private var free = 2
  private var waiting: [CheckedContinuation<Void, Never>] = []

  /// What a command that boots a machine ended with and said.
  struct CommandResult: Sendable {
    var status: TerminationStatus
    var output: String
    /// From its turn to its end.
    var seconds: Int
  }

  /// Runs a shell command that boots a machine, from the root of the tree, once it is its turn: more machines at
  /// once than the host has cores for starve each other, and then look hung.
  func run(command: String, arguments: [String] = []) async throws -> CommandResult {
    await enter()
    defer { leave() }
    try FileManager.default.createDirectory(at: Self.logs, withIntermediateDirectories: true)
    let start = ContinuousClock.now
    let result = try await Subprocess.run(
      .name("bash"), arguments: .init(["-c", command, "boot"] + arguments),
      workingDirectory: .init(Self.root.path), output: .string(limit: 1 << 20), error: .combinedWithOutput)
    return CommandResult(
      status: result.terminationStatus, output: result.standardOutput,
      seconds: Int((ContinuousClock.now - start).components.seconds))
  }

  /// Boots, and returns how it ended. Waits for its turn first; `timeoutSeconds` counts from then on.
  func run(_ boot: Boot) async throws -> Outcome {
    try FileManager.default.createDirectory(at: Self.logs, withIntermediateDirectories: true)
    let serial = Self.logs.appending(path: "\(boot.name).serial.log")
    let report = Self.logs.appending(path: "\(boot.name).report")
    for file in [serial, report] { try Data().write(to: file) }
    let result = try await run(
      command: Self.command(boot, options: "--serial '\(serial.path)' --report '\(report.path)'"))
    return Outcome(
      ending: Ending(result.status), serialLog: Self.text(of: serial), report: Self.text(of: report),
      messages: result.output, seconds: result.seconds)
  }

  /// Says how a boot ended, and adds a line to the results that Scripts/summarize-boots reads.
  func record(
    _ name: String, ending: String, _ report: KTAPReport = KTAPReport(log: ""), seconds: Int
  ) throws {
    let fields = [
      name, ending, "\(report.passed)", "\(report.failed)", "\(report.skipped)", "\(seconds)",
    ]
    let line = fields.joined(separator: "\t") + "\n"
    print(
      "  BOOT    \(name): \(ending) in \(seconds) s, \(report.passed) passed, \(report.failed) failed")
    let file = Self.logs.appending(path: "results.tsv")
    var content = (try? Data(contentsOf: file)) ?? Data()
    content.append(contentsOf: line.utf8)
    try content.write(to: file)
  }

  /// The kernel that is booted: `make test` names the one with its assertions compiled in.
  static var kernel: String {
    ProcessInfo.processInfo.environment["NEEDLETAIL_KERNEL"] ?? "build/needletail.stripped.elf"
  }

  /// A shell command that does the boot again from the root of the tree, with the serial line shown.
  static func command(_ boot: Boot, options: String = "") -> String {
    let iso =
      "iso=$(Scripts/make-iso --kernel \(kernel) --initrd \(boot.archive)"
      + " --words '\(boot.words)')"
    let script =
      switch boot.emulator {
      case .qemu: "Scripts/run-qemu"
      case .bochs: "Scripts/run-bochs"
      case .installedBochs: "Scripts/run-bochs --bochs /"
      }
    let run =
      "\(script) --iso \"$iso\" --cpu '\(boot.cpuModel)' --cpus \(boot.cpus)"
      + " --timeout \(boot.timeoutSeconds) \(boot.countsInstructions ? "--icount " : "")\(options)"
    return "\(iso) && \(run)"
  }

  /// What someone needs who looks into a boot that went wrong.
  static func describe(_ boot: Boot, _ outcome: Outcome) -> String {
    """
    \(outcome.messages)
    --- serial log of \(boot.name)
    \(outcome.serialLog)
    --- to repeat: \(command(boot))
    """
  }

  /// A log may hold any byte.
  static func text(of file: URL) -> String {
    String(decoding: (try? Data(contentsOf: file)) ?? Data(), as: UTF8.self)
  }

  private func enter() async {
    if free > 0 {
      free -= 1
      return
    }
    await withCheckedContinuation { waiting.append($0) }
  }

  private func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}
