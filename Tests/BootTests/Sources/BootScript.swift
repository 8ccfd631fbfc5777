import Foundation
import Subprocess

/// A boot by Scripts/boot: an archive's init runs, and its status is the script's.
struct BootScript: Sendable {
  var name: String
  var archive: String
  /// The boot line, with what goes to init after `--`.
  var words: String
  var cpus = 2
  var timeoutSeconds = 120
  /// A file of steps for Scripts/type-at, from the root of the tree.
  var steps: String?

  /// A shell command that does the boot again from the root of the tree.
  var command: String {
    let boot =
      "Scripts/boot --kernel \(BootRunner.kernel) --initrd \(archive) --cpus \(cpus) --timeout \(timeoutSeconds)"
      + " --append '\(words)'"
    guard let steps else { return boot + " </dev/null" }
    return "Scripts/type-at build/boots/\(name).log \(boot) <\(steps)"
  }

  /// - Returns: the status, 0 to 255, and what the console showed.
  func run() async throws -> (status: Int, log: String) {
    try FileManager.default.createDirectory(at: BootRunner.logs, withIntermediateDirectories: true)
    let log = BootRunner.logs.appending(path: "\(name).log")
    let output = steps == nil ? " >'\(log.path)' 2>&1" : ""
    let result = try await Subprocess.run(
      .name("bash"), arguments: ["-c", command + output], workingDirectory: .init(BootRunner.root.path),
      output: .string(limit: 1 << 20), error: .combinedWithOutput)
    let text = String(decoding: (try? Data(contentsOf: log)) ?? Data(), as: UTF8.self)
    let status =
      switch result.terminationStatus {
      case .exited(let code): Int(code)
      default: -1
      }
    return (status, text + result.standardOutput + "\n--- to repeat: \(command)")
  }
}
