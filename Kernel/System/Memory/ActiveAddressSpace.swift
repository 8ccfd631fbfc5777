import Core
import Machine

/// The address space that a CPU has loaded.
enum ActiveAddressSpace {
  /// Loads a thread's. Interrupts are disabled.
  ///
  /// The record is written before CR3, which serialises: whoever changes the tables and then does not find
  /// the root here knows that this CPU will see the change.
  @inline(__always)
  static func load(_ thread: ThreadPointer, on cpu: CPUPointer) {
    cpu.pointee.activeRoot = thread.pointee.pageTableRoot
    writeCR3(thread.pointee.pageTableRoot)
    // After the record too, for whoever changes the table.
    let table = thread.pointee.localTable.unsafelyUnwrapped.pointee
    if table.word | cpu.pointee.localTable.word != 0 { table.load(on: cpu) }
  }

  /// The current thread goes over to another address space, or with nil to the kernel's alone.
  static func adopt(_ space: AddressSpace?) {
    Interrupts.withDisabled {
      let cpu = CPURecord.current
      Scheduler.current.setAddressSpace(space)
      cpu.pointee.activeRoot = space?.root ?? PageTable.kernel.root
      writeCR3(cpu.pointee.activeRoot)
      (space?.localTable ?? .none).load(on: cpu)
    }
  }
}
