import Core
import System

/// One test that runs in the guest.
public struct SelfTest {
  /// `area.behaviourThatIsProtected`.
  let name: StaticString
  /// Runs with `selftest.long` only.
  let isLong: Bool
  /// Ends the machine with a panic, where it works as it should: runs only where the boot line's filter is the
  /// whole name.
  let isFatal: Bool
  /// How long it may take before it counts as hung: far longer than any test takes, on a busy host too.
  let limitInMilliseconds: UInt64
  let body: (Test) -> Void

  init(
    _ name: StaticString, isLong: Bool = false, isFatal: Bool = false, limitInMilliseconds: UInt64 = 60_000,
    _ body: @escaping (Test) -> Void
  ) {
    self.name = name
    self.isLong = isLong
    self.isFatal = isFatal
    self.limitInMilliseconds = limitInMilliseconds
    self.body = body
  }
}
