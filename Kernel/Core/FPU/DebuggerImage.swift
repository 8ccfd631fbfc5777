/// A thread's FPU state as debuggers and cores have it: the image in the standard format that `toStandardFormat`
/// writes (NT_X86_XSTATE), and its first 512 bytes alone (NT_PRFPREG).
extension FPUConfiguration {
  /// Completes an image for a debugger: the first of the bytes that no instruction touches tell which components it
  /// has room for, which is how a debugger finds the width of the registers.
  ///
  /// - Parameter image: at least `userSize` bytes, from `toStandardFormat`.
  public func describe(_ image: UnsafeMutableRawBufferPointer) {
    guard usesXSAVE else { return }
    image.set(userMask.rawValue, at: StateArea.softwareBytesOffset)
  }

  /// Puts the 512 bytes that a debugger has written over an image of the thread's own: x87, MXCSR and XMM change, the
  /// other components stay.
  ///
  /// - Parameters:
  ///   - legacy: 512 bytes.
  ///   - image: at least `userSize` bytes, from `toStandardFormat`.
  public func replaceLegacyRegion(
    of image: UnsafeMutableRawBufferPointer, with legacy: UnsafeRawBufferPointer
  ) {
    image.copy(from: legacy, at: 0, to: 0..<StateArea.xmmRegistersEnd)
    image.set(mxcsrMask, at: StateArea.mxcsrMaskOffset)
    guard usesXSAVE else { return }
    let present = UnsafeRawBufferPointer(image).xstateBV | StateComponentMask.legacy.rawValue
    image.set(present, at: StateArea.xstateBVOffset)
  }

  /// As Linux, does not look at the MXCSR of an image that has none of the components which use it. What stands there
  /// counts for nothing.
  ///
  /// - Parameter image: at least `userSize` bytes, in the standard format.
  public func passOverUnusedMXCSR(_ image: UnsafeMutableRawBufferPointer) {
    guard usesXSAVE else { return }
    let users = StateComponentMask.legacy.rawValue | StateComponentMask.avx.rawValue
    if UnsafeRawBufferPointer(image).xstateBV & users == 0 {
      image.set(StateArea.initialMXCSR, at: StateArea.mxcsrOffset)
    }
  }
}
