/// Conversion between a kernel area and the image that user mode sees in a signal frame or through ptrace.
///
/// The image is in the standard format with PKRU, or in FXSAVE's where the kernel saves with FXSAVE. Kernel
/// areas are in whatever format the configuration's instruction writes.
extension FPUConfiguration {
  /// Writes a thread's saved state as a user image, every byte of it: initial components get their initial
  /// values, so that nothing stale and nothing of another thread is shown.
  ///
  /// XSTATE_BV of the image always has x87 and SSE set: a program that knows the legacy region only and
  /// edits it expects its values to be taken.
  ///
  /// - Parameters:
  ///   - area: at least `areaSize` bytes, written by `instruction`.
  ///   - image: at least `userSize` bytes.
  ///   - includePKRU: the thread's PKRU, which is not in the area. Not written where PKRU is not enabled.
  public func toStandardFormat(
    source area: UnsafeRawBufferPointer, into image: UnsafeMutableRawBufferPointer, includePKRU: UInt32?
  ) {
    precondition(area.count >= areaSize && image.count >= userSize)
    image.zero(0..<userSize)
    let isLegacy = layout.format == .legacy
    let field = isLegacy ? StateComponentMask.legacy.rawValue : area.xstateBV
    let present = StateComponentMask(rawValue: field).intersection(mask)

    if present.contains(.x87) {
      image.copyX87(from: area)
    } else {
      InitialState.writeInitialX87(image)
    }
    if present.contains(.sse) { image.copyXMM(from: area) }
    // The standard format keeps MXCSR valid in memory even where SSE is in its initial state.
    let mxcsrIsValid = !compacted || present.contains(.sse)
    let mxcsr = mxcsrIsValid ? area.mxcsr : StateArea.initialMXCSR
    image.set(mxcsr, at: StateArea.mxcsrOffset)
    image.set(mxcsrMask, at: StateArea.mxcsrMaskOffset)
    if isLegacy { return }

    var shown = present.union(.legacy)
    let source = layout(ofArea: area)
    for number in 2..<32 where present.contains(StateComponentMask(rawValue: 1 << UInt64(number))) {
      guard let from = source.range(ofComponentNumbered: number),
        let to = userLayout.range(ofComponentNumbered: number), from.upperBound <= area.count
      else { continue }
      image.copy(from: area, at: from.lowerBound, to: to)
    }
    if userMask.contains(.pkru), let pkru = includePKRU, let offset = userLayout.offset(of: .pkru) {
      image.set(pkru, at: offset)
      shown.formUnion(.pkru)
    }
    image.set(shown.rawValue, at: StateArea.xstateBVOffset)
  }

  /// Fills a kernel area from a user image that `UserStateValidation` accepted.
  ///
  /// Every byte of the area is written. Components that the image does not hold get their initial state.
  ///
  /// - Parameters:
  ///   - image: the kernel's own copy of the image: user mode must not be able to change it in between.
  ///   - kind: as it was validated.
  ///   - area: at least `areaSize` bytes.
  /// - Returns: the PKRU that the image asks for, or nil where it does not speak of it. A clear bit in
  ///   XSTATE_BV asks for the hardware's initial value, zero.
  /// - Throws: what validation throws. Nothing has been written then.
  @discardableResult
  public func fromStandardFormat(
    _ image: UnsafeRawBufferPointer, kind: UserImageKind, into area: UnsafeMutableRawBufferPointer
  ) throws(UserStateError) -> UInt32? {
    precondition(area.count >= areaSize)
    let state = try UserStateValidation.validate(image, kind: kind, configuration: self)
    InitialState.write(into: area, configuration: self)

    var present = state.components.intersection(mask)
    if present.contains(.x87) { area.copyX87(from: image) }
    if present.contains(.sse) { area.copyXMM(from: image) }
    area.set(state.mxcsr, at: StateArea.mxcsrOffset)
    if layout.format == .legacy { return nil }

    // XRSTOR takes MXCSR with the SSE component in the compacted format, and apart from it in the standard
    // format. A changed MXCSR with initial XMM registers is therefore SSE state that is not initial.
    if compacted, state.mxcsr != StateArea.initialMXCSR { present.formUnion(.sse) }
    for number in 2..<32 where present.contains(StateComponentMask(rawValue: 1 << UInt64(number))) {
      guard let from = userLayout.range(ofComponentNumbered: number),
        let to = layout.range(ofComponentNumbered: number), from.upperBound <= image.count
      else { continue }
      area.copy(from: image, at: from.lowerBound, to: to)
    }
    area.set(present.rawValue, at: StateArea.xstateBVOffset)
    return state.pkru
  }
}

extension UnsafeRawBufferPointer {
  /// XSTATE_BV of an area with a header. The caller has checked the size.
  var xstateBV: UInt64 { integer(at: StateArea.xstateBVOffset, as: UInt64.self) ?? 0 }

  /// The MXCSR field. The caller has checked the size.
  var mxcsr: UInt32 { integer(at: StateArea.mxcsrOffset, as: UInt32.self) ?? StateArea.initialMXCSR }
}

extension UnsafeMutableRawBufferPointer {
  /// Copies the x87 component: the environment and ST0-ST7, without MXCSR between them.
  func copyX87(from source: UnsafeRawBufferPointer) {
    copy(from: source, at: 0, to: 0..<StateArea.mxcsrOffset)
    copy(
      from: source, at: StateArea.stackRegistersOffset,
      to: StateArea.stackRegistersOffset..<StateArea.xmmRegistersOffset)
  }

  /// Copies XMM0-XMM15.
  func copyXMM(from source: UnsafeRawBufferPointer) {
    copy(
      from: source, at: StateArea.xmmRegistersOffset,
      to: StateArea.xmmRegistersOffset..<StateArea.xmmRegistersEnd)
  }
}
