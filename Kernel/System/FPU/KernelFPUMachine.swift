import Core
import Machine

/// The FPU policy's machine: this CPU's area, the instructions, and the areas behind the threads' records.
///
/// Has no stored state: the policy over it is specialised to plain code.
struct KernelFPUMachine: FPUMachine {
  typealias Thread = ThreadPointer

  @inline(__always) init() {}

  @inline(__always) var strategy: FPUStrategy { KernelFPU.strategy }
  @inline(__always) var currentCPU: Int32 { Int32(bitPattern: cpuNumber()) }
  @inline(__always) var currentThread: ThreadPointer { Scheduler.current }

  @inline(__always) var owner: ThreadPointer? {
    get { cpuFPUOwner()?.assumingMemoryBound(to: System.Thread.self) }
    nonmutating set { cpuSetFPUOwner(newValue.map { UnsafeMutableRawPointer($0) }) }
  }

  @inline(__always)
  func isOwner(_ thread: ThreadPointer) -> Bool { cpuFPUOwnerIs(thread) }
  @inline(__always)
  func isCurrentCPU(_ number: Int32) -> Bool { cpuNumberIs(UInt32(bitPattern: number)) }

  @inline(__always) var isKernelSectionOpen: Bool {
    get { cpuFPUKernelSectionOpen() != 0 }
    nonmutating set { cpuSetFPUKernelSectionOpen(newValue ? 1 : 0) }
  }

  @inline(__always) var trapsOnUse: Bool {
    get { cpuFPUTrapsOnUse() != 0 }
    nonmutating set {
      if newValue == (cpuFPUTrapsOnUse() != 0) { return }
      cpuSetFPUTrapsOnUse(newValue ? 1 : 0)
      if newValue { writeCR0(readCR0() | CR0.taskSwitched) } else { clearTaskSwitched() }
    }
  }

  @inline(__always)
  func state(of thread: ThreadPointer) -> UnsafeMutablePointer<FPUThreadState> {
    // SAFETY: a stored property of a record that stays where it is as long as the thread lives.
    withUnsafeMutablePointer(to: &thread.pointee.fpu) { $0 }
  }

  @inline(__always)
  func requestLoadOnReturn(_ thread: ThreadPointer) { thread.pointee.head.needsFPULoad = 1 }
  @inline(__always)
  func cancelLoadOnReturn(_ thread: ThreadPointer) { thread.pointee.head.needsFPULoad = 0 }

  @inline(__always)
  func save(_ thread: ThreadPointer) { KernelFPU.save(thread) }
  func restore(_ thread: ThreadPointer) -> Bool { KernelFPU.hardware.restore(from: thread.fpuArea) }
  func loadInitialState() { _ = KernelFPU.hardware.restore(from: KernelFPU.initialImage) }

  func resetArea(of thread: ThreadPointer) { KernelFPU.resetArea(of: thread) }

  func copyArea(from source: ThreadPointer, to destination: ThreadPointer) {
    destination.fpuArea.copyMemory(from: source.fpuArea, byteCount: KernelFPU.areaSize)
  }

  func removeFromAllOwners(_ thread: ThreadPointer) {
    for number in 0..<CPUs.count {
      let area = CPUs[number].pointee.area
      if area.pointee.fpuOwner == UnsafeMutableRawPointer(thread) { cpuRemoveFPUOwner(area, thread) }
    }
  }

  @inline(__always) var hasProtectionKeys: Bool { KernelFPU.hardware.hasProtectionKeys }
  @inline(__always) var protectionKeyRights: UInt32 {
    get {
      let rights = readProtectionKeyRights()
      cpuSetProtectionKeyRights(rights)
      return rights
    }
    nonmutating set {
      writeProtectionKeyRights(newValue)
      cpuSetProtectionKeyRights(newValue)
    }
  }

  /// PKRU is what the switch-out before has read: no user mode came in between. RDPKRU takes much longer than
  /// a look at memory.
  @inline(__always)
  func switchProtectionKeyRights(to rights: UInt32) {
    if cpuProtectionKeyRightsIs(rights) { return }
    if hasProtectionKeys { protectionKeyRights = rights } else { cpuSetProtectionKeyRights(rights) }
  }

  @inline(__always)
  func count(_ event: FPUEvent) { cpuCountFPUEvent(UInt64(event.rawValue)) }
}
