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
  }

  /// The current thread goes over to another address space, or with nil to the kernel's alone.
  static func adopt(_ space: AddressSpace?) {
    let root = space?.root ?? 0
    Interrupts.withDisabled {
      let cpu = CPURecord.current
      Scheduler.current.pointee.pageTableRoot = root
      cpu.pointee.activeRoot = root == 0 ? PageTable.kernel.root : root
      writeCR3(cpu.pointee.activeRoot)
    }
  }
}
