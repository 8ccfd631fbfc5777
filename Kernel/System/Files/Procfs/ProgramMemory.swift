import Core
import Machine

/// The memory of the program that a process ran at one moment, for what was opened then. It is not kept: it ends with
/// the program.
struct ProgramMemory {
  let process: Process
  private let number: UInt64

  /// - Parameter number: as `Process.numberedAddressSpace` had it.
  init(_ process: Process, number: UInt64) {
    self.process = process
    self.number = number
  }

  /// Nil once the process executes another program or has ended.
  var space: AddressSpace? {
    let (space, number) = process.numberedAddressSpace
    return number == self.number ? space : nil
  }
}
