import Core
import Machine
import System

/// The life of the first program.
enum InitRun {
  /// Starts it and waits for its end, which goes to the console and, as JSON, to the report port:
  /// `{"initStatus": 3}` or `{"initSignal": 9}`.
  ///
  /// - Returns: passed where its status is 0.
  static func run(_ options: BootOptions) -> ExitStatus {
    do throws(ProgramError) {
      let program = try Programs.startInit(options)
      ConsoleInput.giveToPrograms()
      switch program.waitForEnd() {
      case .exited(let code):
        log("\(program.label) ended with status \(code)")
        report("initStatus", code)
        return code == 0 ? .passed : .failed
      case .killed(let signal):
        log("\(program.label) was ended by signal \(signal)")
        report("initSignal", signal)
        return .failed
      case nil:
        panic("a wait without a deadline came to nothing")
      }
    } catch {
      if let path = options.ramDiskInitPath {
        log("rdinit=\(path.bytes): \(error.message); name a program of the archive")
      } else if let path = options.initPath {
        log("init=\(path.bytes): \(error.message); name a program of the archive")
      } else {
        log("no init: \(error.message); name a program of the archive by init=, or give it an /init")
      }
      return .failed
    }
  }

  private static func report(_ name: Message, _ value: UInt8) {
    var report = JSONWriter(ReportPort())
    report.beginObject()
    report.key(name)
    report.number("\(value)")
    report.endObject()
  }
}
