import Core
import Machine

extension SystemCalls {
  /// arch_prctl(2)
  static func arch_prctl(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let thread = Scheduler.current
    let value = arguments.second
    switch arguments.first & 0xFFFF_FFFF {
    case 0x1001:  // ARCH_SET_GS
      guard value < UserMemory.limit else { throw .notPermitted }
      Segments.change(of: thread) { thread in
        thread.pointee.segmentSelectors &= ~Segments.gsSelector
        thread.pointee.gsBase = value
      }
    case 0x1002:  // ARCH_SET_FS
      guard value < UserMemory.limit else { throw .notPermitted }
      Segments.change(of: thread) { thread in
        thread.pointee.segmentSelectors &= ~Segments.fsSelector
        thread.pointee.fsBase = value
      }
    case 0x1003:  // ARCH_GET_FS
      Segments.note(thread)
      guard UserMemory.store(thread.pointee.fsBase, to: value) else { throw .badAddress }
    case 0x1004:  // ARCH_GET_GS
      Segments.note(thread)
      guard UserMemory.store(thread.pointee.gsBase, to: value) else { throw .badAddress }
    case 0x1011:  // ARCH_GET_CPUID: it is not trapped
      return 1
    case 0x1012:  // ARCH_SET_CPUID: and cannot be
      throw .noDevice
    case 0x1021, 0x1022, 0x1024:  // ARCH_GET_XCOMP_SUPP, ARCH_GET_XCOMP_PERM, ARCH_GET_XCOMP_GUEST_PERM
      let components = KernelFPU.configuration.xcr0.rawValue
      guard UserMemory.store(components, to: value) else { throw .badAddress }
    case 0x1023, 0x1025:  // ARCH_REQ_XCOMP_PERM, ARCH_REQ_XCOMP_GUEST_PERM
      // No component is there only on request; 19 is the number of those that Linux knows.
      throw value >= 19 ? .invalid : .notSupported
    default:
      throw .invalid
    }
    return 0
  }
}
