/// When a thread's FPU state is loaded into the registers of the CPU that runs it.
///
/// All three save alike: a thread whose registers are live is saved when it is switched out. They differ in
/// the load. `Kernel/Core/FPU/README.md` compares them.
public enum FPUStrategy: UInt8, CaseIterable, Sendable {
  /// The switch marks the thread; the load happens on the way back to user mode. The default.
  case deferred
  /// The load happens inside the switch.
  case eager
  /// The switch sets CR0.TS; the first FPU instruction traps (#NM) and its handler loads.
  case lazy

  /// The word that selects the strategy on the boot line (`fpu.strategy=`).
  public var name: StaticString {
    switch self {
    case .eager: "eager"
    case .lazy: "lazy"
    case .deferred: "deferred"
    }
  }
}
