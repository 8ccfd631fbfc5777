import Core
import Machine

/// The registers in a signal's frame, as a program sees them: Linux's `struct ucontext` for x86-64 with its
/// `struct sigcontext` (sigreturn(2)). 304 bytes.
struct SignalContext: BitwiseCopyable {
  var flags: UInt64 = 0
  var link: UInt64 = 0
  var stack = AlternateSignalStack.none
  var r8: UInt64 = 0
  var r9: UInt64 = 0
  var r10: UInt64 = 0
  var r11: UInt64 = 0
  var r12: UInt64 = 0
  var r13: UInt64 = 0
  var r14: UInt64 = 0
  var r15: UInt64 = 0
  var rdi: UInt64 = 0
  var rsi: UInt64 = 0
  var rbp: UInt64 = 0
  var rbx: UInt64 = 0
  var rdx: UInt64 = 0
  var rax: UInt64 = 0
  var rcx: UInt64 = 0
  var rsp: UInt64 = 0
  var rip: UInt64 = 0
  var rflags: UInt64 = 0
  /// CS, GS, FS and SS, 16 bits each.
  var selectors: UInt64 = 0
  var errorCode: UInt64 = 0
  var trapNumber: UInt64 = 0
  var oldMask: SignalSet = []
  var faultAddress: UInt64 = 0
  /// Where the extended state lies; 0 for none.
  var state: UInt64 = 0
  var reserved = InlineArray<8, UInt64>(repeating: 0)
  var mask: SignalSet = []

  /// `flags`: the frame has extended state; its SS is right; SS is to be loaded as it stands, whatever comes of it.
  static var hasExtendedState: UInt64 { 1 }
  static var hasStackSegment: UInt64 { 2 }
  static var loadsStackSegment: UInt64 { 4 }
}

/// What lies on the stack when a handler begins, without the extended state: Linux's `struct rt_sigframe`, 440 bytes.
struct SignalFrame: BitwiseCopyable {
  var returnAddress: UInt64 = 0
  var context = SignalContext()
  var information = SignalInformation.empty
  /// The rest of `siginfo_t`.
  var padding = InlineArray<10, UInt64>(repeating: 0)

  static var sizeInBytes: UInt64 { 440 }
  static var contextOffset: UInt64 { 8 }
  static var informationOffset: UInt64 { 312 }

  /// Has the current thread go on with a handler: its registers go to a frame on the stack, and `frame` becomes the
  /// handler's. Interrupts are enabled and no lock is held.
  ///
  /// - Returns: false where the frame could not be written. Nothing has changed then.
  static func push(
    _ information: SignalInformation, _ action: SignalAction, _ process: Process, _ thread: ThreadPointer,
    _ frame: UnsafeMutablePointer<TrapFrame>
  ) -> Bool {
    check(MemoryLayout<SignalFrame>.size == Int(sizeInBytes), "a signal's frame does not have Linux's size")
    let state = KernelFPU.frameState
    guard action.flags.contains(.restorer),
      let place = SignalFramePlacement.place(
        stackPointer: frame.pointee.rsp, alternate: thread.pointee.signals.alternateStack,
        wantsAlternate: action.flags.contains(.onStack), frameSize: sizeInBytes, stateSize: UInt64(state.size)),
      place.end <= UserMemory.limit
    else { return false }
    guard write(information, action, thread, frame, at: place),
      writeState(state, process, thread, at: place.state)
    else { return false }

    let signal = information.signal
    frame.pointee.rip = action.handler
    frame.pointee.rsp = place.frame
    frame.pointee.rdi = UInt64(signal.rawValue)
    frame.pointee.rsi = place.frame &+ informationOffset
    frame.pointee.rdx = place.frame &+ contextOffset
    frame.pointee.rax = 0
    frame.pointee.cs = UInt64(USER_CODE_SELECTOR)
    // A handler finds the stack segment that its program had, as on Linux, where it can be had.
    if frame.pointee.ss != UInt64(USER_DATA_SELECTOR), !Segments.isStack(frame.pointee.ss) {
      frame.pointee.ss = UInt64(USER_DATA_SELECTOR)
    }
    frame.pointee.rflags &= ~clearedFlags

    if thread.pointee.signals.alternateStack.isAutodisarmed { thread.pointee.signals.alternateStack = .none }
    let blocked = action.blockedInHandler(signal, before: thread.pointee.signals.blocked)
    thread.pointee.signals.savedMask = nil
    SignalMask.set(blocked, of: thread, process)
    return true
  }

  /// A handler begins with the direction flag clear and without a single step.
  private static var clearedFlags: UInt64 { 1 << 8 | 1 << 10 | 1 << 16 }

  /// Writes the frame but for the extended state.
  private static func write(
    _ information: SignalInformation, _ action: SignalAction, _ thread: ThreadPointer,
    _ frame: UnsafeMutablePointer<TrapFrame>, at place: SignalFramePlacement
  ) -> Bool {
    // Every byte that is copied out is stored here.
    withUnsafeTemporaryAllocation(byteCount: Int(sizeInBytes), alignment: 16) { bytes in
      let image = bytes.baseAddress.unsafelyUnwrapped.assumingMemoryBound(to: SignalFrame.self)
      image.pointee.returnAddress = action.restorer
      image.pointee.context.save(frame, thread)
      image.pointee.context.state = place.state
      // The information is written for who asks for it, as on Linux.
      var count = informationOffset
      if action.flags.contains(.information) {
        count = sizeInBytes
        image.pointee.information = information
        image.pointee.padding = InlineArray(repeating: 0)
      }
      return UserMemory.copyOut(image, to: place.frame, count: Int(count))
    }
  }

  /// Writes the extended state and what describes it.
  private static func writeState(
    _ state: SignalFrameState, _ process: Process, _ thread: ThreadPointer, at address: UInt64
  ) -> Bool {
    // A page that is not there is made, again and again where another thread takes it away. Meanwhile this thread may
    // be switched out and come back on another CPU: nothing that was found out of its registers outlasts a turn.
    while !thread.pointee.isToEnd, process.isExiting.load() == 0 {
      switch KernelFPU.beginHandler(thread, state: address) {
      case .saved: return true
      case .lost: return false
      case .notWritten: guard UserMemory.clear(address, count: state.size) else { return false }
      }
    }
    return false
  }
}

extension SignalContext {
  /// Takes the registers from the frame of the current thread's last entry.
  mutating func save(_ frame: UnsafeMutablePointer<TrapFrame>, _ thread: ThreadPointer) {
    flags = Self.hasStackSegment
    // Not of 32-bit code, as on Linux: who goes from there to 64-bit code by a changed frame may leave any SS in it.
    if frame.pointee.cs == UInt64(USER_CODE_SELECTOR) { flags |= Self.loadsStackSegment }
    if KernelFPU.frameState.usesXSAVE { flags |= Self.hasExtendedState }
    link = 0
    reserved = InlineArray(repeating: 0)
    stack = thread.pointee.signals.alternateStack
    r8 = frame.pointee.r8
    r9 = frame.pointee.r9
    r10 = frame.pointee.r10
    r11 = frame.pointee.r11
    r12 = frame.pointee.r12
    r13 = frame.pointee.r13
    r14 = frame.pointee.r14
    r15 = frame.pointee.r15
    rdi = frame.pointee.rdi
    rsi = frame.pointee.rsi
    rbp = frame.pointee.rbp
    rbx = frame.pointee.rbx
    rdx = frame.pointee.rdx
    rax = frame.pointee.rax
    rcx = frame.pointee.rcx
    rsp = frame.pointee.rsp
    rip = frame.pointee.rip
    rflags = frame.pointee.rflags
    selectors = frame.pointee.cs & 0xFFFF | (frame.pointee.ss & 0xFFFF) << 48
    errorCode = thread.pointee.signals.trapErrorCode
    trapNumber = thread.pointee.signals.trapNumber
    faultAddress = thread.pointee.signals.trapAddress
    mask = thread.pointee.signals.savedMask ?? thread.pointee.signals.blocked
    oldMask = mask
  }

  /// Puts the registers into the frame. Of the flags only what a program may change counts. Selectors and addresses
  /// are taken as they are, but for ring 3: what the way back cannot load faults there, on the program's account.
  static func restore(_ context: UnsafePointer<SignalContext>, to frame: UnsafeMutablePointer<TrapFrame>) {
    frame.pointee.r8 = context.pointee.r8
    frame.pointee.r9 = context.pointee.r9
    frame.pointee.r10 = context.pointee.r10
    frame.pointee.r11 = context.pointee.r11
    frame.pointee.r12 = context.pointee.r12
    frame.pointee.r13 = context.pointee.r13
    frame.pointee.r14 = context.pointee.r14
    frame.pointee.r15 = context.pointee.r15
    frame.pointee.rdi = context.pointee.rdi
    frame.pointee.rsi = context.pointee.rsi
    frame.pointee.rbp = context.pointee.rbp
    frame.pointee.rbx = context.pointee.rbx
    frame.pointee.rdx = context.pointee.rdx
    frame.pointee.rax = context.pointee.rax
    frame.pointee.rcx = context.pointee.rcx
    frame.pointee.rsp = context.pointee.rsp
    frame.pointee.rip = context.pointee.rip
    frame.pointee.rflags =
      frame.pointee.rflags & ~userFlags | context.pointee.rflags & userFlags
    frame.pointee.cs = context.pointee.selectors & 0xFFFF | 3
    frame.pointee.ss = context.pointee.selectors >> 48 | 3
    if context.pointee.flags & loadsStackSegment == 0, frame.pointee.cs == UInt64(USER_CODE_SELECTOR),
      !Segments.isStack(frame.pointee.ss)
    {
      frame.pointee.ss = UInt64(USER_DATA_SELECTOR)
    }
  }

  /// AC, RF, OF, DF, TF, SF, ZF, AF, PF, CF.
  private static var userFlags: UInt64 { 0x5_0DD5 }
}
