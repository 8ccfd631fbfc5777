import Assembly

/// x87, MXCSR and the widest vector registers that this CPU has, with the name of that width.
public func widestMixedPattern() -> (name: StaticString, pattern: UnsafePointer<Pattern>) {
  if Features.hasAVX512 { return ("mixed (x87, AVX-512)", mixedAVX512PatternAddress()) }
  if Features.hasAVX { return ("mixed (x87, AVX)", mixedAVXPatternAddress()) }
  return ("mixed (x87, SSE)", mixedSSEPatternAddress())
}
