import Machine

/// Makes races likely that are rare otherwise: where it is called, a CPU stands still now and then while a test
/// has it switched on. Compiled in where the build defines CHECKED.
///
/// It is called between a look at something that a lock guards and what is done on the strength of it. If the
/// lock guards it indeed, nothing comes of the delay.
public enum RaceWidening {
  /// For a test, while it runs. Read without a lock: a hint.
  nonisolated(unsafe) public static var isOn = false

  /// In any context.
  @inline(__always)
  static func point() {
    #if CHECKED
      if isOn, readTimeStampCounter() & 0x70 == 0 { standStill() }
    #endif
  }

  @inline(never)
  private static func standStill() {
    for _ in 0..<2000 { spinHint() }
  }
}
