import Instructions

/// The local APIC of the CPU that executes the call, through its memory-mapped registers (Intel SDM volume 3,
/// chapter 11).
public struct LocalAPIC: Sendable {
  private let base: UInt64

  /// - Parameter base: the virtual address of the registers, mapped uncached.
  public init(base: UInt64) { self.base = base }

  /// Registers, by offset.
  private enum Register {
    static var identifier: UInt64 { 0x20 }
    static var taskPriority: UInt64 { 0x80 }
    static var endOfInterrupt: UInt64 { 0xB0 }
    static var spuriousVector: UInt64 { 0xF0 }
    static var errorStatus: UInt64 { 0x280 }
    static var commandLow: UInt64 { 0x300 }
    static var commandHigh: UInt64 { 0x310 }
    static var timerEntry: UInt64 { 0x320 }
    static var line0: UInt64 { 0x350 }
    static var line1: UInt64 { 0x360 }
    static var errorEntry: UInt64 { 0x370 }
    static var timerInitial: UInt64 { 0x380 }
    static var timerCurrent: UInt64 { 0x390 }
    static var timerDivide: UInt64 { 0x3E0 }
  }

  private static var masked: UInt32 { 1 << 16 }
  private static var periodic: UInt32 { 1 << 17 }

  /// Switches the APIC on with everything masked but inter-processor interrupts.
  public func enable(spuriousVector: UInt8, errorVector: UInt8) {
    writeMSR(MSR.apicBase, readMSR(MSR.apicBase) | 1 << 11)
    deviceWrite32(base + Register.taskPriority, 0)
    deviceWrite32(base + Register.timerEntry, Self.masked)
    deviceWrite32(base + Register.line0, Self.masked)
    deviceWrite32(base + Register.line1, 0x400)  // NMI
    deviceWrite32(base + Register.errorEntry, UInt32(errorVector))
    deviceWrite32(base + Register.spuriousVector, 0x100 | UInt32(spuriousVector))
  }

  public var identifier: UInt32 { deviceRead32(base + Register.identifier) >> 24 }

  @inline(__always)
  public func endOfInterrupt() {
    deviceWrite32(base + Register.endOfInterrupt, 0)
  }

  /// Sends an interrupt to one CPU.
  public func send(vector: UInt8, to apicID: UInt32) {
    command(UInt32(vector) | 1 << 14, to: apicID)
  }

  /// Sends a non-maskable interrupt to one CPU.
  public func sendNonMaskable(to apicID: UInt32) {
    command(0x400 | 1 << 14, to: apicID)
  }

  /// Sends the INIT of the start-up sequence.
  public func sendInitialize(to apicID: UInt32) {
    command(0x500 | 1 << 14 | 1 << 15, to: apicID)
  }

  /// Sends a start-up interrupt: the CPU begins in real mode at `page * 4096`.
  public func sendStartup(page: UInt8, to apicID: UInt32) {
    command(0x600 | 1 << 14 | UInt32(page), to: apicID)
  }

  private func command(_ low: UInt32, to apicID: UInt32) {
    while deviceRead32(base + Register.commandLow) & 1 << 12 != 0 { spinHint() }
    deviceWrite32(base + Register.commandHigh, apicID << 24)
    deviceWrite32(base + Register.commandLow, low)
  }

  /// Lets the timer count down from the largest value, without an interrupt, at a sixteenth of the bus clock.
  public func startTimerMeasurement() {
    deviceWrite32(base + Register.timerDivide, 0b0011)
    deviceWrite32(base + Register.timerEntry, Self.masked)
    deviceWrite32(base + Register.timerInitial, .max)
  }

  /// How far the timer has counted since `startTimerMeasurement`.
  public var timerMeasurement: UInt32 {
    .max - deviceRead32(base + Register.timerCurrent)
  }

  /// Interrupts with `vector` every `count` counts of the timer.
  public func startPeriodicTimer(vector: UInt8, count: UInt32) {
    deviceWrite32(base + Register.timerDivide, 0b0011)
    deviceWrite32(base + Register.timerEntry, UInt32(vector) | Self.periodic)
    deviceWrite32(base + Register.timerInitial, count)
  }

  public func stopTimer() {
    deviceWrite32(base + Register.timerEntry, Self.masked)
    deviceWrite32(base + Register.timerInitial, 0)
  }
}
