/// Where on a stack the frame of a signal goes. All addresses and sizes in bytes.
public struct SignalFramePlacement: Equatable, Sendable {
  /// Of the frame, and the handler's first stack pointer: 8 below a multiple of 16, as after a call.
  public let frame: UInt64
  /// Of the extended state, a multiple of 64, above the frame.
  public let state: UInt64
  /// Behind the last byte.
  public let end: UInt64

  /// What lies below the stack pointer and belongs to the interrupted function (System V ABI, section 3.2.2).
  public static var redZone: UInt64 { 128 }

  /// - Parameters:
  ///   - stackPointer: of the interrupted program.
  ///   - alternate: the thread's alternate stack.
  ///   - wantsAlternate: whether the handler is to run on that (SA_ONSTACK).
  ///   - frameSize: the frame without the extended state.
  ///   - stateSize: the extended state with its closing magic.
  /// - Returns: nil where there is no room: below address 0, or below an alternate stack.
  public static func place(
    stackPointer: UInt64, alternate: AlternateSignalStack, wantsAlternate: Bool, frameSize: UInt64, stateSize: UInt64
  ) -> SignalFramePlacement? {
    // As on Linux, the stack that a handler is on is told with the red zone, and whether it may overflow without.
    let below = stackPointer &- redZone
    let isOnAlternate = alternate.isInUse(at: stackPointer)
    let entersAlternate = wantsAlternate && alternate.size != 0 && !alternate.isInUse(at: below)
    guard entersAlternate || stackPointer > redZone else { return nil }
    let top = entersAlternate ? alternate.top : below
    guard top > stateSize &+ frameSize &+ 128 else { return nil }
    let state = (top &- stateSize) & ~63
    let frame = ((state &- frameSize) & ~15) &- 8
    // On the alternate stack nothing but its bounds tells that it is full.
    if entersAlternate || isOnAlternate {
      guard alternate.holds(frame) else { return nil }
    }
    return SignalFramePlacement(frame: frame, state: state, end: state &+ stateSize)
  }
}
