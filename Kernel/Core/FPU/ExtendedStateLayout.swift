/// How the bytes of an area of FPU state are arranged.
public enum ExtendedStateFormat: UInt8, CaseIterable, Sendable {
  /// FXSAVE's 512 bytes, without a header.
  case legacy
  /// Each component at the offset that CPUID gives.
  case standard
  /// The components of XCOMP_BV one after another.
  case compacted
}

/// Where each component is in an area, and how large the area is.
public struct ExtendedStateLayout: Sendable {
  public let format: ExtendedStateFormat
  /// The components that the area has room for.
  public let mask: StateComponentMask
  /// The size in bytes that the instructions use: not rounded.
  public let sizeInBytes: Int
  private let offsets: InlineArray<32, UInt32>
  private let sizes: InlineArray<32, UInt32>

  /// Lays out the components of `mask` that `features` describes; others are ignored.
  public init(features: ExtendedStateFeatures, mask: StateComponentMask, format: ExtendedStateFormat) {
    var offsets = InlineArray<32, UInt32>(repeating: 0)
    var sizes = InlineArray<32, UInt32>(repeating: 0)
    var present = mask.intersection(.legacy)
    var size = format == .legacy ? StateArea.legacySizeInBytes : StateArea.extendedRegionOffset
    if format != .legacy {
      for number in 2..<features.components.count {
        let bit = StateComponentMask(rawValue: 1 << UInt64(number))
        let component = features.components[number]
        guard mask.contains(bit), component.sizeInBytes > 0,
          component.sizeInBytes <= ExtendedStateFeatures.sizeLimitInBytes
        else { continue }
        let offset: Int
        if format == .standard {
          guard features.isPlausible(component) else { continue }
          offset = Int(component.standardOffset)
        } else {
          offset = component.isAligned64 ? roundedUpTo64(size) : size
        }
        present.formUnion(bit)
        offsets[number] = UInt32(offset)
        sizes[number] = component.sizeInBytes
        size = max(size, offset + Int(component.sizeInBytes))
      }
    }
    self.format = format
    self.mask = present
    self.sizeInBytes = size
    self.offsets = offsets
    self.sizes = sizes
  }

  /// The offset in bytes of a component behind the header, or nil where the area has none such. The x87 and
  /// SSE components have no single offset: both are spread over the legacy region.
  public func offset(of component: StateComponent) -> Int? {
    let offset = offsets[Int(component.rawValue)]
    return offset == 0 ? nil : Int(offset)
  }

  /// The bytes of the component with this number behind the header, or nil where the area has none such.
  public func range(ofComponentNumbered number: Int) -> Range<Int>? {
    let offset = Int(offsets[number])
    return offset == 0 ? nil : offset..<(offset + Int(sizes[number]))
  }
}

extension ExtendedStateFeatures {
  /// The offset in bytes of a component in an area in the compacted format, or nil where XCOMP_BV does not
  /// name it. Follows Intel SDM volume 1, section 13.4.3.
  ///
  /// - Parameter xcompBV: the field of the very area that is read. Another mask gives other offsets.
  public func compactedOffset(of component: StateComponent, xcompBV: UInt64) -> Int? {
    let mask = StateComponentMask(rawValue: xcompBV & ~StateArea.compactedFormatBit)
    return ExtendedStateLayout(features: self, mask: mask, format: .compacted).offset(of: component)
  }
}

/// The next multiple of 64. The argument is the size of an area, far from overflow.
func roundedUpTo64(_ size: Int) -> Int { (size &+ 63) & ~63 }
