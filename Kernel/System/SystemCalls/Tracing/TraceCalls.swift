import Core
import Machine

/// Requests of ptrace(2), by Linux's x86-64 numbers.
private enum TraceRequest {
  static var traceMe: UInt64 { 0 }
  static var peekText: UInt64 { 1 }
  static var peekData: UInt64 { 2 }
  static var peekUser: UInt64 { 3 }
  static var pokeText: UInt64 { 4 }
  static var pokeData: UInt64 { 5 }
  static var pokeUser: UInt64 { 6 }
  static var `continue`: UInt64 { 7 }
  static var kill: UInt64 { 8 }
  static var singleStep: UInt64 { 9 }
  static var getRegisters: UInt64 { 12 }
  static var setRegisters: UInt64 { 13 }
  static var getFPRegisters: UInt64 { 14 }
  static var setFPRegisters: UInt64 { 15 }
  static var attach: UInt64 { 16 }
  static var detach: UInt64 { 17 }
  static var oldSetOptions: UInt64 { 21 }
  static var systemCall: UInt64 { 24 }
  static var getThreadArea: UInt64 { 25 }
  static var setThreadArea: UInt64 { 26 }
  static var architecture: UInt64 { 30 }
  static var emulate: UInt64 { 31 }
  static var emulateAndStep: UInt64 { 32 }
  static var setOptions: UInt64 { 0x4200 }
  static var getMessage: UInt64 { 0x4201 }
  static var getInformation: UInt64 { 0x4202 }
  static var setInformation: UInt64 { 0x4203 }
  static var getRegisterSet: UInt64 { 0x4204 }
  static var setRegisterSet: UInt64 { 0x4205 }
  static var seize: UInt64 { 0x4206 }
  static var interrupt: UInt64 { 0x4207 }
  static var listen: UInt64 { 0x4208 }
  static var peekInformation: UInt64 { 0x4209 }
  static var getMask: UInt64 { 0x420A }
  static var setMask: UInt64 { 0x420B }
  static var getCall: UInt64 { 0x420E }
}

/// A tracee that is frozen for a request, and the request's arguments.
private struct FrozenTracee {
  let tracee: Tracee
  let thread: ThreadPointer
  let address: UInt64
  let data: UInt64

  var space: AddressSpace? { tracee.process.sharedAddressSpace }
}

/// Tracing other threads.
extension SystemCalls {
  /// ptrace(2)
  static func ptrace(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let request = arguments.first
    let identifier = Int32(truncatingIfNeeded: arguments.second)
    switch request {
    case TraceRequest.traceMe:
      try Tracing.traceMe()
      return 0
    case TraceRequest.attach:
      try Tracing.attach(to: identifier, isSeized: false, [])
      return 0
    case TraceRequest.seize:
      guard arguments.third == 0, arguments.fourth & ~TraceOptions.all.rawValue == 0 else { throw .inputOutput }
      try Tracing.attach(to: identifier, isSeized: true, TraceOptions(rawValue: arguments.fourth))
      return 0
    default: break
    }
    let tracee = try Tracing.find(identifier)
    switch request {
    case TraceRequest.kill:
      Signals.send(
        .fromProcess(
          .kill, process: Scheduler.current.pointee.processIdentifier,
          user: Signals.userIdentifier(of: Scheduler.current.pointee.process!)), to: tracee.process)
      return 0
    case TraceRequest.interrupt:
      try Tracing.interrupt(tracee)
      return 0
    default: break
    }
    let thread = try Tracing.freeze(tracee)
    defer { Tracing.thaw(tracee, thread) }
    let frozen = FrozenTracee(
      tracee: tracee, thread: thread, address: arguments.third, data: arguments.fourth)
    if try resume(frozen, request) { return 0 }
    if try transferMemory(frozen, request) { return 0 }
    if try transferRegisters(frozen, request) { return 0 }
    return try control(frozen, request)
  }

  // MARK: Going on

  /// - Returns: whether the request was one of these.
  private static func resume(_ frozen: FrozenTracee, _ request: UInt64) throws(Errno) -> Bool {
    var calls: Int32 = 0
    switch request {
    case TraceRequest.continue, TraceRequest.detach: break
    case TraceRequest.systemCall: calls = TRACED_CALLS_STOP
    case TraceRequest.singleStep: calls = TRACED_CALLS_STEP
    case TraceRequest.emulate: calls = TRACED_CALLS_EMULATED
    case TraceRequest.emulateAndStep: calls = TRACED_CALLS_EMULATED | TRACED_CALLS_STEP
    default: return false
    }
    guard frozen.data <= 64 else { throw .inputOutput }
    let signal = UInt8(frozen.data)
    if request == TraceRequest.detach {
      Processes.lock.withLock { Tracing.unlink(frozen.tracee, signal: signal) }
      // The end of the freeze wakes it.
      return true
    }
    frozen.tracee.process.signalLock.withLock {
      frozen.thread.setTracedCalls(calls)
      if calls & TRACED_CALLS_STEP != 0 {
        TraceRegisters.beginStep(of: frozen.tracee, frozen.thread)
      } else {
        TraceRegisters.endStep(of: frozen.tracee, frozen.thread)
      }
      frozen.tracee.state.resume(signal: signal)
    }
    return true
  }

  // MARK: Memory

  private static func transferMemory(_ frozen: FrozenTracee, _ request: UInt64) throws(Errno) -> Bool {
    switch request {
    case TraceRequest.peekText, TraceRequest.peekData:
      var word: UInt64 = 0
      let count = withUnsafeMutableBytes(of: &word) {
        frozen.space?.readForDebugger(frozen.address, into: $0) ?? 0
      }
      guard count == 8 else { throw .inputOutput }
      try give(word, to: frozen.data)
    case TraceRequest.pokeText, TraceRequest.pokeData:
      let count = withUnsafeBytes(of: frozen.data) {
        frozen.space?.writeForDebugger($0, at: frozen.address) ?? 0
      }
      guard count == 8 else { throw .inputOutput }
    default: return false
    }
    return true
  }

  // MARK: Registers

  private static func transferRegisters(_ frozen: FrozenTracee, _ request: UInt64) throws(Errno) -> Bool {
    switch request {
    case TraceRequest.peekUser:
      guard let place = UserArea.place(at: frozen.address) else { throw .inputOutput }
      switch place {
      case .register(let index): try give(read(index, of: frozen), to: frozen.data)
      case .debugRegister(let number):
        try give(frozen.thread.pointee.debugRegisters.read(number), to: frozen.data)
      case .other: try give(UInt64(0), to: frozen.data)
      }
    case TraceRequest.pokeUser:
      switch UserArea.place(at: frozen.address) {
      case .register(let index):
        try TraceRegisters.write(frozen.data, to: index, of: frozen.tracee, frozen.thread)
      case .debugRegister(let number):
        try HardwareBreakpoints.write(frozen.data, to: number, of: frozen.thread)
      case .other, nil: throw .inputOutput
      }
    case TraceRequest.getRegisters: try getGeneral(frozen, to: frozen.data, count: UserRegisters.sizeInBytes)
    case TraceRequest.setRegisters: try setGeneral(frozen, from: frozen.data, count: UserRegisters.sizeInBytes)
    case TraceRequest.getFPRegisters: try getFPU(frozen, to: frozen.data, count: StateArea.legacySizeInBytes)
    case TraceRequest.setFPRegisters: try TraceFPU.writeLegacy(of: frozen.thread, from: frozen.data)
    case TraceRequest.getRegisterSet, TraceRequest.setRegisterSet:
      try transferRegisterSet(frozen, isWrite: request == TraceRequest.setRegisterSet)
    default: return false
    }
    return true
  }

  private static func read(_ index: Int, of frozen: FrozenTracee) -> UInt64 {
    TraceRegisters.read(index, of: frozen.thread, hidesTrapFlag: frozen.tracee.hasForcedTrapFlag)
  }

  private static func getGeneral(_ frozen: FrozenTracee, to address: UInt64, count: Int) throws(Errno) {
    let registers = TraceRegisters.read(of: frozen.thread, hidesTrapFlag: frozen.tracee.hasForcedTrapFlag)
    let isWritten = withUnsafeBytes(of: registers) {
      UserMemory.copyOut($0.baseAddress!, to: address, count: count)
    }
    guard isWritten else { throw .badAddress }
  }

  /// Those before a value that a register cannot have are changed, as on Linux.
  private static func setGeneral(_ frozen: FrozenTracee, from address: UInt64, count: Int) throws(Errno) {
    for index in 0..<count >> 3 {
      guard let value = UserMemory.load(UInt64(0), from: address &+ UInt64(index) << 3) else { throw .badAddress }
      try TraceRegisters.write(value, to: index, of: frozen.tracee, frozen.thread)
    }
  }

  private static func getFPU(_ frozen: FrozenTracee, to address: UInt64, count: Int) throws(Errno) {
    try TraceFPU.withImage(of: frozen.thread) { image throws(Errno) in
      guard UserMemory.copyOut(image.baseAddress!, to: address, count: min(count, image.count)) else {
        throw .badAddress
      }
    }
  }

  /// PTRACE_GETREGSET and PTRACE_SETREGSET: `data` is the address of a `struct iovec`, whose length becomes that of
  /// what was transferred.
  private static func transferRegisterSet(_ frozen: FrozenTracee, isWrite: Bool) throws(Errno) {
    guard let (base, length) = UserMemory.load((UInt64(0), UInt64(0)), from: frozen.data) else {
      throw .badAddress
    }
    let size: Int
    switch frozen.address {
    case 1: size = UserRegisters.sizeInBytes  // NT_PRSTATUS
    case 2: size = StateArea.legacySizeInBytes  // NT_PRFPREG
    case 0x202: size = FPUStateAccess.sizeInBytes  // NT_X86_XSTATE
    default: throw .invalid
    }
    guard length & 7 == 0 else { throw .invalid }
    let count = Int(min(length, UInt64(size)))
    switch (frozen.address, isWrite) {
    case (1, false): try getGeneral(frozen, to: base, count: count)
    case (1, true): try setGeneral(frozen, from: base, count: count)
    case (2, false): try getFPU(frozen, to: base, count: count)
    case (2, true):
      guard count == size else { throw .invalid }
      try TraceFPU.writeLegacy(of: frozen.thread, from: base)
    default:
      guard KernelFPU.configuration.usesXSAVE else { throw .noDevice }
      if !isWrite {
        try getFPU(frozen, to: base, count: count)
        break
      }
      guard count == size else { throw .badAddress }
      try TraceFPU.writeExtended(of: frozen.thread, from: base)
    }
    try give(UInt64(count), to: frozen.data &+ 8)
  }

  // MARK: The stop itself

  private static func control(_ frozen: FrozenTracee, _ request: UInt64) throws(Errno) -> Int64 {
    let tracee = frozen.tracee
    switch request {
    case TraceRequest.setOptions, TraceRequest.oldSetOptions:
      guard frozen.data & ~TraceOptions.all.rawValue == 0 else { throw .invalid }
      tracee.process.signalLock.withLock { tracee.options = TraceOptions(rawValue: frozen.data) }
    case TraceRequest.getMessage: try give(tracee.message, to: frozen.data)
    case TraceRequest.getInformation:
      guard let information = tracee.information else { throw .invalid }
      guard give(information, to: frozen.data) else { throw .badAddress }
    case TraceRequest.peekInformation: return try peekInformation(frozen)
    case TraceRequest.setInformation:
      guard let information = UserMemory.load(SignalInformation.empty, from: frozen.data) else { throw .badAddress }
      guard tracee.information != nil else { throw .invalid }
      tracee.process.signalLock.withLock { tracee.information = information }
    case TraceRequest.listen:
      let isListening = tracee.process.signalLock.withLock { tracee.isSeized && tracee.state.listen() }
      guard isListening else { throw .inputOutput }
    case TraceRequest.getMask:
      guard frozen.address == 8 else { throw .invalid }
      let mask = frozen.thread.pointee.signals.savedMask ?? frozen.thread.pointee.signals.blocked
      try give(mask.rawValue, to: frozen.data)
    case TraceRequest.setMask:
      guard frozen.address == 8 else { throw .invalid }
      guard let mask = UserMemory.load(UInt64(0), from: frozen.data) else { throw .badAddress }
      tracee.process.signalLock.withLock {
        frozen.thread.pointee.signals.savedMask = nil
        frozen.thread.pointee.signals.blocked = SignalSet(rawValue: mask).subtracting(.unblockable)
      }
    case TraceRequest.architecture: try transferSegmentBase(frozen)
    case TraceRequest.getThreadArea, TraceRequest.setThreadArea:
      guard Int32(truncatingIfNeeded: frozen.address) >= 0 else { throw .inputOutput }
      let entry = UInt32(truncatingIfNeeded: frozen.address)
      if request == TraceRequest.getThreadArea {
        try tellThreadArea(entry, of: frozen.thread, to: frozen.data)
      } else {
        _ = try setThreadArea(at: frozen.data, entry: entry, of: frozen.thread)
      }
    case TraceRequest.getCall: return try getCall(frozen)
    default: throw .inputOutput
    }
    return 0
  }

  /// PTRACE_ARCH_PRCTL, with arch_prctl(2)'s operation as data.
  private static func transferSegmentBase(_ frozen: FrozenTracee) throws(Errno) {
    func set(_ index: Int) throws(Errno) {
      guard frozen.address < UserMemory.limit else { throw .notPermitted }
      try TraceRegisters.write(frozen.address, to: index, of: frozen.tracee, frozen.thread)
    }
    switch frozen.data {
    case 0x1001: try set(UserRegisters.gsBase)
    case 0x1002: try set(UserRegisters.fsBase)
    case 0x1003: try give(frozen.thread.pointee.fsBase, to: frozen.address)
    case 0x1004: try give(frozen.thread.pointee.gsBase, to: frozen.address)
    default: throw .invalid
    }
  }

  /// PTRACE_GET_SYSCALL_INFO: Linux's `struct ptrace_syscall_info`, as much of it as `address` bytes.
  ///
  /// - Returns: how many bytes there are to be had.
  private static func getCall(_ frozen: FrozenTracee) throws(Errno) -> Int64 {
    // The kind of stop; the architecture, as below; the instruction and stack pointers; the call.
    var words = InlineArray<10, UInt64>(repeating: 0)
    words[1] = read(UserRegisters.rip, of: frozen)
    words[2] = read(UserRegisters.rsp, of: frozen)
    let isI386 = frozen.thread.userFrame.pointee.vector == UInt64(I386_CALL_VECTOR)
    var kind: UInt64 = 0
    var size = 24
    switch frozen.tracee.state.stop {
    case .systemCallEntry:
      kind = 1
      words[3] = read(UserRegisters.originalRAX, of: frozen)
      // RBX, RCX, RDX, RSI, RDI, RBP; RDI, RSI, RDX, R10, R8, R9.
      let indices: InlineArray<6, Int> = isI386 ? [5, 11, 12, 13, 14, 4] : [14, 13, 12, 7, 9, 8]
      for index in 0..<6 { words[4 + index] = read(indices[index], of: frozen) }
      size = 80
    case .systemCallExit:
      kind = 2
      var result = Int64(bitPattern: read(UserRegisters.rax, of: frozen))
      // An error of i386's may be one in 32 bits.
      let short = Int32(truncatingIfNeeded: result)
      if isI386, (-4095..<0).contains(short) { result = Int64(short) }
      words[3] = UInt64(bitPattern: result)
      words[4] = result < 0 && result >= -4095 ? 1 : 0
      size = 33
    default: break
    }
    // AUDIT_ARCH_I386 or AUDIT_ARCH_X86_64.
    words[0] = (isI386 ? 0x4000_0003 : 0xC000_003E) << 32 | kind
    let count = Int(min(frozen.address, UInt64(size)))
    let isWritten = withUnsafeBytes(of: words) {
      UserMemory.copyOut($0.baseAddress!, to: frozen.data, count: count)
    }
    guard isWritten else { throw .badAddress }
    return Int64(size)
  }

  /// PTRACE_PEEKSIGINFO: what the signals tell that wait for the thread, or for its process; `address` is that of a
  /// `struct ptrace_peeksiginfo_args`.
  ///
  /// - Returns: how many were given.
  private static func peekInformation(_ frozen: FrozenTracee) throws(Errno) -> Int64 {
    guard let (first, flagsAndCount) = UserMemory.load((UInt64(0), UInt64(0)), from: frozen.address) else {
      throw .badAddress
    }
    let flags = UInt32(truncatingIfNeeded: flagsAndCount)
    let count = Int32(truncatingIfNeeded: flagsAndCount >> 32)
    let ofProcess: UInt32 = 1  // PTRACE_PEEKSIGINFO_SHARED
    guard flags & ~ofProcess == 0, count >= 0 else { throw .invalid }
    let process = frozen.tracee.process
    var done: UInt64 = 0
    while done < UInt64(count), first <= .max - done, !Scheduler.current.isBeingKilled {
      let information = process.signalLock.withLock {
        flags & ofProcess != 0
          ? process.signals.pending.information(at: first + done)
          : frozen.thread.pointee.signals.pending.information(at: first + done)
      }
      guard let information else { break }
      guard give(information, to: frozen.data &+ done * UInt64(SignalInformation.userSizeInBytes)) else {
        if done == 0 { throw .badAddress }
        break
      }
      done += 1
    }
    return Int64(done)
  }

  /// - Returns: false where it could not be written.
  private static func give(_ information: SignalInformation, to address: UInt64) -> Bool {
    var padded = (information, InlineArray<10, UInt64>(repeating: 0))
    return withUnsafeBytes(of: &padded) {
      UserMemory.copyOut($0.baseAddress!, to: address, count: SignalInformation.userSizeInBytes)
    }
  }

  private static func give(_ word: UInt64, to address: UInt64) throws(Errno) {
    guard UserMemory.store(word, to: address) else { throw .badAddress }
  }
}
