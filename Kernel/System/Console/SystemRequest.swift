import Core
import Machine

/// What an operator asks of the kernel itself by one letter, whatever the programs do: Linux's SysRq, as
/// /proc/sysrq-trigger takes it (Documentation/admin-guide/sysrq.rst of Linux).
enum SystemRequest {
  /// Does what a letter stands for; another one prints which there are.
  static func perform(_ letter: UInt8) {
    switch letter {
    case UInt8(ascii: "t"):
      Console.print("sysrq: every thread")
      ThreadReport.print(limit: .max)
    case UInt8(ascii: "w"):
      Console.print("sysrq: threads that wait")
      ThreadReport.print(limit: .max, blockedOnly: true)
    case UInt8(ascii: "m"):
      Console.print("sysrq: memory")
      MonitorTables.printMemory()
    case UInt8(ascii: "c"): panic("asked for by /proc/sysrq-trigger")
    case UInt8(ascii: "b"): MachineReset.restart()
    case UInt8(ascii: "o"): Shutdown.finish(.passed)
    default:
      Console.print(
        "sysrq: b restarts, c panics, m shows memory, o powers off, t shows threads, w those that wait")
    }
  }
}
