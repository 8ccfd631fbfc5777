import Foundation
import Subprocess

/// A boot by one of the scripts that a user calls, perhaps with a person at the keys.
struct BootScript: Sendable {
  var name: String
  /// A shell command that does the boot again from the root of the tree.
  var command: String

  /// A boot by Scripts/boot: an archive's init runs, and its status is the script's.
  ///
  /// - Parameters:
  ///   - words: the boot line, with what goes to init after `--`.
  ///   - steps: a file of steps for Scripts/type-at, from the root of the tree.
  ///   - typedAhead: what is typed before the machine starts, as printf takes it.
  init(
    name: String, archive: String, words: String, cpus: Int = 2, timeoutSeconds: Int = 120, steps: String? = nil,
    typedAhead: String? = nil
  ) {
    let boot =
      "Scripts/boot --kernel \(BootRunner.kernel) --initrd \(archive) --cpus \(cpus) --timeout \(timeoutSeconds)"
      + " --append '\(words)'"
    if let typedAhead {
      self.init(name: name, command: "printf '\(typedAhead)' | \(boot)")
    } else {
      self.init(name: name, command: boot, steps: steps)
    }
  }

  private init(name: String, command: String) {
    self.name = name
    self.command = command
  }

  /// Another command, with its input from the steps or empty.
  init(name: String, command: String, steps: String?) {
    let input =
      if let steps {
        "Scripts/type-at build/boots/\(name).log \(command) <\(steps)"
      } else {
        command + " </dev/null"
      }
    self.init(name: name, command: input)
  }

  /// - Returns: the status, 0 to 255, and what the console showed.
  func run() async throws -> (status: Int, log: String, seconds: Int) {
    let log = BootRunner.logs.appending(path: "\(name).log")
    // `type-at` writes the log itself, and says on its own output what did not come.
    let result = try await BootRunner.shared.run(
      command: command.hasPrefix("Scripts/type-at") ? command : command + " >'\(log.path)' 2>&1")
    let status =
      switch result.status {
      case .exited(let code): Int(code)
      default: -1
      }
    let text = BootRunner.text(of: log) + result.output + "\n--- to repeat: \(command)"
    return (status, text, result.seconds)
  }
}
