/// One of the sizes that small allocations are rounded up to, by index: 16, 32, and from there two for each
/// power of two (48, 64, 96, 128, ...) up to 2048. At most a third of an object is lost to rounding.
///
/// Index and size follow from each other by shifts, so that neither needs a table.
struct SizeClass: Equatable {
  static var count: Int { 14 }
  static var largestSizeInBytes: Int { 2048 }

  let index: Int

  @inline(__always)
  init(index: Int) { self.index = index }

  /// The smallest class whose objects have at least that many bytes.
  ///
  /// - Parameter size: in 1...`largestSizeInBytes`.
  @inline(__always)
  init(fitting size: Int) {
    let last = size &- 1
    if last < 32 {
      index = last &>> 4
    } else {
      let power = 63 &- last.leadingZeroBitCount
      index = 2 &* power &+ ((last &>> (power &- 1)) & 1) &- 8
    }
  }

  /// Bytes in each object, a multiple of 16.
  @inline(__always)
  var sizeInBytes: Int {
    index < 2 ? 16 &<< index : (3 &+ (index & 1)) &<< (3 &+ (index &>> 1))
  }

  /// A slab has 2^order frames. The two largest classes take two, so that four objects or more share one.
  @inline(__always)
  var slabOrder: Int { index < 12 ? 0 : 1 }
}
