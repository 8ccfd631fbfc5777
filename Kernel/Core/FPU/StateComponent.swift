/// One of the parts into which the XSAVE feature set divides the processor's state.
///
/// The raw value is the number of the component: its bit in XCR0 or IA32_XSS, in XSTATE_BV, and the subleaf
/// of CPUID leaf 0Dh that describes it (Intel SDM volume 1, section 13.1).
public enum StateComponent: UInt8, CaseIterable, Sendable {
  case x87 = 0
  case sse = 1
  /// The upper halves of YMM0-YMM15.
  case avx = 2
  case bndregs = 3
  case bndcsr = 4
  case opmask = 5
  /// The upper halves of ZMM0-ZMM15.
  case zmmHi256 = 6
  /// ZMM16-ZMM31.
  case hi16ZMM = 7
  /// Processor Trace. Supervisor.
  case pt = 8
  case pkru = 9
  /// Supervisor.
  case pasid = 10
  /// Control-flow enforcement in user mode. Supervisor, though it is user mode's state.
  case cetUser = 11
  case cetSupervisor = 12
  /// Hardware duty cycling. Supervisor.
  case hdc = 13
  /// User interrupts. Supervisor.
  case uintr = 14
  /// Last branch records. Supervisor.
  case lbr = 15
  /// Hardware P-states. Supervisor.
  case hwp = 16
  case tileConfig = 17
  case tileData = 18

  /// The mask with this component only.
  public var mask: StateComponentMask { StateComponentMask(rawValue: 1 << UInt64(rawValue)) }
}
