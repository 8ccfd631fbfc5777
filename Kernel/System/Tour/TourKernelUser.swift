import Core
import Machine

/// A kernel thread that uses SIMD registers in between: XOR of memory blocks, checked against integers.
final class TourKernelUser: TourThread, @unchecked Sendable {
  private static var blockSizeInBytes: Int { 8192 }

  /// Blocks combined. Read after `stop`.
  private(set) var blocks = 0
  /// Blocks whose result was wrong. Read after `stop`.
  private(set) var mismatches = 0

  override func run() {
    let size = Self.blockSizeInBytes
    if let memory = KernelHeap.allocate(size: 2 * size, alignment: 64) {
      let source = UnsafeMutableRawBufferPointer(start: memory, count: size)
      let destination = UnsafeMutableRawBufferPointer(start: memory + size, count: size)
      while !shouldStop {
        combineOnce(source, destination)
        Sleep.milliseconds(1)
      }
      KernelHeap.deallocate(memory)
    } else {
      Console.print("tour: no memory for the blocks that the kernel combines")
      mismatches += 1
    }
  }

  /// Fills two blocks, combines them, and looks at each word of the result.
  private func combineOnce(
    _ source: UnsafeMutableRawBufferPointer, _ destination: UnsafeMutableRawBufferPointer
  ) {
    let words = source.count / 8
    let key = UInt64(truncatingIfNeeded: blocks) &* 0x9E37_79B9_7F4A_7C15
    for index in 0..<words {
      let word = key ^ (UInt64(truncatingIfNeeded: index) &* 0xD6E8_FEB8_6659_FD93)
      source.storeBytes(of: word, toByteOffset: index * 8, as: UInt64.self)
      destination.storeBytes(of: word << 1 | word >> 63, toByteOffset: index * 8, as: UInt64.self)
    }
    let means = XORBlocks.combine(UnsafeRawBufferPointer(source), into: destination)
    blocks += 1
    var differences = means == .integer ? 1 : 0
    for index in 0..<words {
      let word = source.load(fromByteOffset: index * 8, as: UInt64.self)
      let expected = word ^ (word << 1 | word >> 63)
      if destination.load(fromByteOffset: index * 8, as: UInt64.self) != expected { differences += 1 }
    }
    if differences > 0 {
      mismatches += 1
      if means == .integer {
        Console.print("tour: MISMATCH the kernel was refused the use of SIMD registers in a thread")
      } else {
        Console.print("tour: MISMATCH \(differences) of \(words) words that the kernel combined are wrong")
      }
    }
  }
}
