import Core
import Machine

/// Records of queued signals, from the kernel's heap. In any context.
enum SignalRecords {
  /// How many there are.
  nonisolated(unsafe) private static var count = AtomicWord()
  /// The most that there may be, whatever a process's limit says.
  private static var hardLimit: UInt32 { 65_536 }

  /// - Parameters:
  ///   - limit: of queued signals; nil for a signal that is not to be lost on account of it.
  /// - Returns: nil where memory or the limit is reached.
  static func make(_ information: SignalInformation, limit: UInt64?) -> PendingSignals.Record? {
    let before = count.add(1)
    guard UInt64(before) < limit ?? UInt64(hardLimit), before < hardLimit,
      let memory = KernelHeap.allocate(size: MemoryLayout<QueuedSignal>.size, alignment: 16)
    else {
      count.subtract(1)
      return nil
    }
    let record = memory.bindMemory(to: QueuedSignal.self, capacity: 1)
    record.initialize(to: QueuedSignal(information))
    return record
  }

  static func free(_ record: PendingSignals.Record) {
    KernelHeap.deallocate(record)
    count.subtract(1)
  }
}
