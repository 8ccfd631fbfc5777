import Core
import Machine

extension SystemCalls {
  /// prctl(2). Operations of other architectures, and of what this kernel does not have, give EINVAL, as on a
  /// Linux that is built without.
  static func prctl(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let thread = Scheduler.current
    let process = thread.pointee.process!
    let value = arguments.second
    func hasNoFurtherArguments() -> Bool {
      arguments.third == 0 && arguments.fourth == 0 && arguments.fifth == 0
    }
    switch Int32(truncatingIfNeeded: arguments.first) {
    case 1:  // PR_SET_PDEATHSIG
      guard value <= 64 else { throw .invalid }
      process.lock.withLock { process.attributes.parentDeathSignal = UInt8(value) }
    case 2:  // PR_GET_PDEATHSIG
      try store(Int32(process.lock.withLock { process.attributes.parentDeathSignal }), to: value)
    case 3:  // PR_GET_DUMPABLE
      return Int64(process.lock.withLock { process.attributes.dumpable })
    case 4:  // PR_SET_DUMPABLE
      guard value <= 1 else { throw .invalid }
      process.setDumpable(UInt8(value))
    case 7:  // PR_GET_KEEPCAPS
      return process.credentials.keepsCapabilities ? 1 : 0
    case 8:  // PR_SET_KEEPCAPS
      guard value <= 1 else { throw .invalid }
      guard process.lock.withLock({ process.attributes.credentials.setKeepsCapabilities(value == 1) }) else {
        throw .notPermitted
      }
    case 13:  // PR_GET_TIMING: statistical
      return 0
    case 14:  // PR_SET_TIMING
      guard value == 0 else { throw .invalid }
    case 15:  // PR_SET_NAME
      var name = InlineArray<16, UInt8>(repeating: 0)
      let length = withUnsafeMutableBytes(of: &name) {
        UserMemory.copyInString($0.bindMemory(to: UInt8.self), from: value)
      }
      guard length != nil else { throw .badAddress }
      withUnsafeBytes(of: name) {
        thread.setName(ByteView(UnsafeRawBufferPointer(rebasing: $0[0..<min(length!, 15)])))
      }
    case 16:  // PR_GET_NAME
      try store(thread.pointee.name, to: value)
    case 21:  // PR_GET_SECCOMP: off
      return 0
    case 23:  // PR_CAPBSET_READ
      guard value <= Capabilities.last else { throw .invalid }
      return process.credentials.bounding.contains(Capabilities(rawValue: 1 << value)) ? 1 : 0
    case 24:  // PR_CAPBSET_DROP
      guard process.hasCapability(.setCapabilities) else { throw .notPermitted }
      guard value <= Capabilities.last else { throw .invalid }
      process.lock.withLock {
        _ = process.attributes.credentials.bounding.remove(Capabilities(rawValue: 1 << value))
      }
    case 25:  // PR_GET_TSC: PR_TSC_ENABLE
      try store(Int32(1), to: value)
    case 26:  // PR_SET_TSC
      guard value == 1 else { throw .invalid }
    case 27:  // PR_GET_SECUREBITS
      return Int64(process.credentials.secureBits.rawValue)
    case 28:  // PR_SET_SECUREBITS
      guard process.lock.withLock({ process.attributes.credentials.setSecureBits(value) }) else {
        throw .notPermitted
      }
    case 29:  // PR_SET_TIMERSLACK
      thread.pointee.timerSlack = value == 0 || value > UInt64(Int64.max) ? 50_000 : value
    case 30:  // PR_GET_TIMERSLACK
      return Int64(thread.pointee.timerSlack)
    case 36:  // PR_SET_CHILD_SUBREAPER
      process.lock.withLock { process.attributes.isSubreaper = value != 0 }
    case 37:  // PR_GET_CHILD_SUBREAPER
      try store(Int32(process.lock.withLock { process.attributes.isSubreaper } ? 1 : 0), to: value)
    case 38:  // PR_SET_NO_NEW_PRIVS
      guard value == 1, hasNoFurtherArguments() else { throw .invalid }
      process.lock.withLock { process.attributes.credentials.hasNoNewPrivileges = true }
    case 39:  // PR_GET_NO_NEW_PRIVS
      guard value == 0, hasNoFurtherArguments() else { throw .invalid }
      return process.credentials.hasNoNewPrivileges ? 1 : 0
    case 40:  // PR_GET_TID_ADDRESS
      try store(thread.pointee.clearChildThreadID, to: value)
    case 41:  // PR_SET_THP_DISABLE: noted; no page is huge
      guard hasNoFurtherArguments() else { throw .invalid }
      process.lock.withLock { process.attributes.isWithoutHugePages = value != 0 }
    case 42:  // PR_GET_THP_DISABLE
      guard value == 0, hasNoFurtherArguments() else { throw .invalid }
      return process.lock.withLock { process.attributes.isWithoutHugePages } ? 1 : 0
    case 47:  // PR_CAP_AMBIENT
      return try changeAmbientCapabilities(of: process, arguments)
    case 59:  // PR_SET_SYSCALL_USER_DISPATCH
      let calls = try OwnSystemCalls(
        mode: value, offset: arguments.third, count: arguments.fourth, selector: arguments.fifth)
      SystemCallDispatch.set(calls, of: thread)
    default:
      throw .invalid
    }
    return 0
  }

  private static func store<Value: BitwiseCopyable>(_ value: Value, to address: UInt64) throws(Errno) {
    guard UserMemory.store(value, to: address) else { throw .badAddress }
  }

  private static func changeAmbientCapabilities(
    of process: Process, _ arguments: SystemCallArguments
  ) throws(Errno) -> Int64 {
    guard arguments.fourth == 0, arguments.fifth == 0 else { throw .invalid }
    if arguments.second == 4 {  // PR_CAP_AMBIENT_CLEAR_ALL
      guard arguments.third == 0 else { throw .invalid }
      process.lock.withLock { process.attributes.credentials.ambient = [] }
      return 0
    }
    guard arguments.third <= Capabilities.last else { throw .invalid }
    let capability = Capabilities(rawValue: 1 << arguments.third)
    switch arguments.second {
    case 1:  // PR_CAP_AMBIENT_IS_SET
      return process.credentials.ambient.contains(capability) ? 1 : 0
    case 2:  // PR_CAP_AMBIENT_RAISE
      guard process.lock.withLock({ process.attributes.credentials.raiseAmbient(capability) }) else {
        throw .notPermitted
      }
    case 3:  // PR_CAP_AMBIENT_LOWER
      process.lock.withLock { _ = process.attributes.credentials.ambient.remove(capability) }
    default:
      throw .invalid
    }
    return 0
  }
}
