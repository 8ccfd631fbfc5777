import Instructions

/// Starting the machine anew.
public enum MachineReset {
  /// By the reset control register of PC chip sets, then by the keyboard controller, then by a triple fault.
  public static func restart() -> Never {
    disableInterrupts()
    portWrite8(0xCF9, 0x02)
    portWrite8(0xCF9, 0x06)
    for _ in 0..<1_000_000 { spinHint() }
    portWrite8(0x64, 0xFE)
    for _ in 0..<1_000_000 { spinHint() }
    // Without interrupt descriptors the next exception ends the machine.
    var nothing: UInt64 = 0
    withUnsafePointer(to: &nothing) { loadInterruptDescriptorTable($0, 0) }
    _ = readMSR(0xFFFF_FFFF)
    haltForever()
    while true {}
  }
}
