/// Where the heap gets whole frames from: the frame allocator, seen through the direct map.
public protocol FrameSource {
  /// The virtual address of physical address 0 in a mapping of all memory, aligned to a frame.
  var directMap: UnsafeMutableRawPointer { get }
  /// One record for each frame, by frame number.
  var records: UnsafeMutablePointer<FrameRecord> { get }
  /// The number of records.
  var frameLimit: Int { get }

  /// Takes 2^order frames, aligned to their size; nil if there are none. Their first record says so:
  /// `allocated`, with that order.
  mutating func allocateRun(order: Int) -> UnsafeMutableRawPointer?
  /// Gives 2^order frames back that `allocateRun` returned.
  mutating func freeRun(_ start: UnsafeMutableRawPointer, order: Int)
}

extension FrameSource {
  /// The number of the frame that an address of the direct map lies in.
  @inline(__always)
  public func frameNumber(of address: UnsafeRawPointer) -> Int {
    Int(bitPattern: UInt(bitPattern: address) &- UInt(bitPattern: directMap)) >> 12
  }

  /// The record of the frame that an address of the direct map lies in.
  @inline(__always)
  public func record(for address: UnsafeRawPointer) -> UnsafeMutablePointer<FrameRecord> {
    records + frameNumber(of: address)
  }
}
