/// A set of state components, in the encoding of XCR0, IA32_XSS, XSTATE_BV and EDX:EAX of the XSAVE family.
public struct StateComponentMask: OptionSet, Sendable {
  public let rawValue: UInt64

  public init(rawValue: UInt64) { self.rawValue = rawValue }

  public static var x87: StateComponentMask { StateComponentMask(rawValue: 1 << 0) }
  public static var sse: StateComponentMask { StateComponentMask(rawValue: 1 << 1) }
  public static var avx: StateComponentMask { StateComponentMask(rawValue: 1 << 2) }
  public static var bndregs: StateComponentMask { StateComponentMask(rawValue: 1 << 3) }
  public static var bndcsr: StateComponentMask { StateComponentMask(rawValue: 1 << 4) }
  public static var opmask: StateComponentMask { StateComponentMask(rawValue: 1 << 5) }
  public static var zmmHi256: StateComponentMask { StateComponentMask(rawValue: 1 << 6) }
  public static var hi16ZMM: StateComponentMask { StateComponentMask(rawValue: 1 << 7) }
  public static var pkru: StateComponentMask { StateComponentMask(rawValue: 1 << 9) }
  public static var tileConfig: StateComponentMask { StateComponentMask(rawValue: 1 << 17) }
  public static var tileData: StateComponentMask { StateComponentMask(rawValue: 1 << 18) }

  /// What FXSAVE saves.
  public static var legacy: StateComponentMask { StateComponentMask(rawValue: 0x3) }
  /// The three components that XCR0 enables together or not at all.
  public static var avx512: StateComponentMask { StateComponentMask(rawValue: 0xE0) }
  /// The two components of the bound registers.
  public static var mpx: StateComponentMask { StateComponentMask(rawValue: 0x18) }
  /// The two components of the tile registers.
  public static var amx: StateComponentMask { StateComponentMask(rawValue: 0x6_0000) }
  /// What this kernel gives to programs where the processor has it.
  public static var kernelSupported: StateComponentMask { StateComponentMask(rawValue: 0x2E7) }

  /// The number of components in the set.
  public var count: Int { rawValue.nonzeroBitCount }

  /// Whether XSETBV takes this value instead of raising #GP (Intel SDM volume 1, section 13.3), provided
  /// that the processor supports each component.
  public var isValidXCR0: Bool {
    guard contains(.x87) else { return false }
    if contains(.avx), !contains(.sse) { return false }
    let wide = intersection(.avx512)
    if !wide.isEmpty, wide != .avx512 || !contains(.avx) { return false }
    let bounds = intersection(.mpx)
    if !bounds.isEmpty, bounds != .mpx { return false }
    let tiles = intersection(.amx)
    return tiles.isEmpty || tiles == .amx
  }

  /// The largest part of this set that XSETBV takes.
  ///
  /// A hypervisor can report AVX-512 without AVX, for instance; the incomplete groups are left out.
  public var largestValidXCR0: StateComponentMask {
    var result = union(.x87)
    if !result.contains(.sse) { result.remove(.avx) }
    if !result.contains(.avx) || !result.isSuperset(of: .avx512) { result.subtract(.avx512) }
    if !result.isSuperset(of: .mpx) { result.subtract(.mpx) }
    if !result.isSuperset(of: .amx) { result.subtract(.amx) }
    return result
  }
}
