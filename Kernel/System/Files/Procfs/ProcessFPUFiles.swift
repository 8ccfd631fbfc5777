import Core
import Machine

/// What is known of the FPU state of a thread.
enum ProcessFPUFiles {
  /// A thread's own account, copied while it cannot end.
  private struct Copy {
    let state: FPUThreadState
    /// The CPU whose registers were found to hold its state; nil for none.
    let holder: Int?
  }

  /// Throws ESRCH for a thread that is not there; a process is its first thread here.
  private static func copy(_ process: Process, _ wanted: Int32?) throws(Errno) -> Copy? {
    var copy: Copy?
    process.forEachThread { thread in
      guard wanted == nil || thread.pointee.identifier == wanted else { return }
      let state = thread.pointee.fpu
      var holder: Int?
      // The invariant of the contract, read from outside: a hint, since the thread may be switched meanwhile.
      let last = Int(state.lastCPU)
      if last >= 0, last < CPUs.count,
        CPUs[last].pointee.area.pointee.fpuOwner == UnsafeMutableRawPointer(thread)
      {
        holder = last
      }
      copy = Copy(state: state, holder: holder)
    }
    if copy == nil, wanted != nil { throw .noProcess }
    return copy
  }

  /// /proc/PID/arch_status
  static func writeArchitectureStatus(
    of process: Process, thread: Int32?, to text: inout TextBuffer
  ) throws(Errno) {
    guard let copy = try copy(process, thread), KernelFPU.hardware.hasAVX512 else { return }
    let last = copy.state.lastAVX512Use
    let now = readTimeStampCounter()
    let elapsed = last == 0 ? nil : Time.nanoseconds(ticks: now > last ? now - last : 0) / 1_000_000
    FPUThreadState.writeArchitectureStatus(millisecondsSinceAVX512: elapsed, to: &text)
  }

  /// /proc/PID/fpu
  static func write(_ process: Process, thread: Int32?, to text: inout TextBuffer) throws(Errno) {
    guard let copy = try copy(process, thread) else { return }
    func putCPU(_ label: StaticString, _ number: Int?) {
      text.put(label)
      if let number { text.put(number) } else { text.put("none") }
      text.put("\n")
    }
    putCPU("registers held by CPU:  ", copy.holder)
    putCPU("last loaded on CPU:     ", copy.state.lastCPU >= 0 ? Int(copy.state.lastCPU) : nil)
    text.put("slices in a row:        ")
    text.put(copy.state.consecutiveSlices)
    text.put("\n")
    copy.state.counters.write(to: &text)
  }
}
