import Core
import Machine

/// What `Scripts/needletail.gdb` needs to list threads: gdb does not read Swift's debug information.
enum DebuggerSupport {
  /// Tells gdb where the members of a thread's record lie.
  ///
  /// Embedded Swift has no key paths for `MemoryLayout.offset(of:)`, so that they are measured.
  ///
  /// - Parameter thread: any thread; it is not changed.
  static func initialize(measuring thread: ThreadPointer) {
    // SAFETY: each is a stored member of the record, which stays where it is.
    func offset(_ member: UnsafeRawPointer) -> UInt32 { UInt32(member - UnsafeRawPointer(thread)) }
    setDebugLayout(
      DebugLayout(
        isFilled: 1,
        identifier: withUnsafePointer(to: &thread.pointee.identifier) { offset($0) },
        lastCPU: withUnsafePointer(to: &thread.pointee.fpu.lastCPU) { offset($0) },
        state: withUnsafePointer(to: &thread.pointee.state) { offset($0) },
        cpu: withUnsafePointer(to: &thread.pointee.cpu) { offset($0) },
        listNext: withUnsafePointer(to: &thread.pointee.listNext) { offset($0) }))
  }

  /// The list of all threads begins with another one now.
  static func show(firstThread: ThreadPointer?) { setDebugFirstThread(firstThread) }
}
