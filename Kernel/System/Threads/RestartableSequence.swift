import Core
import Machine

/// A thread's registration for restartable sequences (rseq(2)).
///
/// A thread with one is looked at on its way to user mode after it has been preempted or has come to another
/// CPU: `head.needsSequenceCheck`. Threads without pay a comparison in each switch.
struct RestartableSequence {
  /// Where the program has its `struct rseq`; 0 for none.
  var address: UInt64 = 0
  /// What stands before each abort handler.
  var signature: UInt32 = 0
  /// The CPU that the program was told last.
  var cpu: Int32 = -1

  /// The size of the structure's first version, and its alignment.
  static var size: UInt64 { 32 }
  private static var currentSectionOffset: UInt64 { 8 }
  /// What stands for no CPU (RSEQ_CPU_ID_UNINITIALIZED).
  private static var noCPU: UInt64 { 0xFFFF_FFFF_0000_0000 }

  /// Tells the program its CPU, and aborts the section that it is in. Interrupts are enabled and no lock is
  /// held.
  static func resume(_ thread: ThreadPointer, _ frame: UnsafeMutablePointer<TrapFrame>) {
    let sequence = thread.pointee.restartableSequence
    if sequence.address == 0 { return }
    let cpu = cpuNumber()
    // `cpu_id_start` and `cpu_id`. Who moves from here on comes again.
    thread.pointee.restartableSequence.cpu = Int32(cpu)
    let isDone =
      UserMemory.store(UInt64(cpu) << 32 | UInt64(cpu), to: sequence.address)
      && abortSection(sequence, frame)
    if !isDone { Signals.post(.fromKernel(.segmentationFault), to: thread) }
  }

  /// - Returns: false where the program has made a mistake.
  private static func abortSection(
    _ sequence: RestartableSequence, _ frame: UnsafeMutablePointer<TrapFrame>
  ) -> Bool {
    let place = sequence.address + currentSectionOffset
    guard let address = UserMemory.load(UInt64(0), from: place) else { return false }
    if address == 0 { return true }
    guard let section = UserMemory.load(RestartableSequenceSection(), from: address),
      section.isValid(addressLimit: UserMemory.limit),
      let signature = UserMemory.loadWord(section.abortHandler - 4), signature == sequence.signature
    else { return false }
    // Cleared also where the program has left the section by itself: it may be unmapped next.
    guard UserMemory.store(UInt64(0), to: place) else { return false }
    if section.contains(frame.pointee.rip) { frame.pointee.rip = section.abortHandler }
    return true
  }

  /// The registration ends: the program finds no CPU there. False after a bad address.
  func clear() -> Bool {
    UserMemory.store(Self.noCPU, to: address)
      && UserMemory.store(UInt64(0), to: address + Self.currentSectionOffset)
  }
}
