import Core
import Machine

/// XOR of memory blocks, as parity needs it: the kernel's own user of SIMD registers.
public enum XORBlocks {
  /// How a block was combined; for tests and figures.
  public enum Means: UInt8, Sendable {
    case avx, sse2, integer
  }

  /// The bytes that one kernel SIMD section combines: preemption waits for no more than that.
  public static var sectionSizeInBytes: Int { 4096 }
  /// The SIMD routines combine multiples of this many bytes.
  private static var step: Int { 64 }

  /// The widest routine that the FPU as it is set up allows. Every x86-64 CPU has SSE2.
  public static var widest: Means {
    KernelFPU.configuration.xcr0.contains(.avx) ? .avx : .sse2
  }

  /// XORs `source` into `destination`, over the shorter of both lengths. Any alignment; the blocks are the
  /// same or do not overlap.
  ///
  /// - Returns: the means that was used for whole sections: integers where SIMD was refused.
  @discardableResult
  public static func combine(
    _ source: UnsafeRawBufferPointer, into destination: UnsafeMutableRawBufferPointer
  ) -> Means {
    guard let from = source.baseAddress, let to = destination.baseAddress else { return .integer }
    let count = min(source.count, destination.count)
    let means = widest
    var used = Means.integer
    var offset = 0
    while count &- offset >= step {
      let size = min(count &- offset, sectionSizeInBytes) & ~(step &- 1)
      do throws(KernelSIMD.Refusal) {
        try KernelSIMD.withRegisters {
          let bytes = (to + offset).assumingMemoryBound(to: UInt8.self)
          let others = (from + offset).assumingMemoryBound(to: UInt8.self)
          if means == .avx {
            simdXORBlocksAVX(bytes, others, size)
          } else {
            simdXORBlocksSSE2(bytes, others, size)
          }
        }
        used = means
      } catch {
        combineByIntegers(from + offset, into: to + offset, count: size)
      }
      offset &+= size
    }
    combineByIntegers(from + offset, into: to + offset, count: count &- offset)
    return used
  }

  /// Words of eight bytes, then single bytes.
  private static func combineByIntegers(
    _ source: UnsafeRawPointer, into destination: UnsafeMutableRawPointer, count: Int
  ) {
    var offset = 0
    while count &- offset >= 8 {
      let word =
        destination.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        ^ source.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
      destination.storeBytes(of: word, toByteOffset: offset, as: UInt64.self)
      offset &+= 8
    }
    while offset < count {
      let byte =
        destination.load(fromByteOffset: offset, as: UInt8.self)
        ^ source.load(fromByteOffset: offset, as: UInt8.self)
      destination.storeBytes(of: byte, toByteOffset: offset, as: UInt8.self)
      offset &+= 1
    }
  }
}
