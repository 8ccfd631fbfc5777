import Core
import Machine

/// The table of processes, and the ties between parents and children.
enum Processes {
  /// Guards the table and every process's ties.
  nonisolated(unsafe) private static var lock = SpinLock()
  private static var bucketCount: Int { 256 }
  nonisolated(unsafe) private static var storedBuckets: UnsafeMutablePointer<Unmanaged<Process>?>?
  private static var buckets: UnsafeMutablePointer<Unmanaged<Process>?> { storedBuckets! }

  static func initialize() {
    storedBuckets = KernelHeap.allocateArray(
      of: Unmanaged<Process>?.self, count: bucketCount, repeating: nil)
  }

  static func add(_ process: Process, parent: Process?) {
    lock.withLock { addLocked(process, parent: parent) }
  }

  private static func addLocked(_ process: Process, parent: Process?) {
    let bucket = Int(process.identifier) & (bucketCount - 1)
    process.nextInTable = buckets[bucket]?.takeRetainedValue()
    buckets[bucket] = Unmanaged.passRetained(process)
    process.parent = parent
    if let parent {
      process.nextSibling = parent.firstChild
      parent.firstChild = process
    }
  }

  /// As above for a clone that has its creator's parent (CLONE_PARENT).
  static func addSibling(_ process: Process, of sibling: Process) {
    lock.withLock { addLocked(process, parent: sibling.parent) }
  }

  /// The process with an identifier, ended or not, as long as nobody has waited for it.
  static func find(_ identifier: Int32) -> Process? {
    lock.withLock {
      var next = buckets[Int(identifier) & (bucketCount - 1)]?.takeUnretainedValue()
      while let process = next {
        if process.identifier == identifier { return process }
        next = process.nextInTable
      }
      return nil
    }
  }

  static func parentIdentifier(of process: Process) -> Int64 {
    lock.withLock { Int64(process.parent?.identifier ?? 0) }
  }

  /// Takes a process out of the table. The lock is held, and the caller refers to the process.
  private static func remove(_ process: Process) {
    let bucket = Int(process.identifier) & (bucketCount - 1)
    guard let first = buckets[bucket]?.takeUnretainedValue() else { return }
    if first === process {
      buckets[bucket] = process.nextInTable.map { Unmanaged.passRetained($0) }
      Unmanaged.passUnretained(process).release()
    } else {
      var previous = first
      while let candidate = previous.nextInTable, candidate !== process { previous = candidate }
      previous.nextInTable = process.nextInTable
    }
    process.nextInTable = nil
  }

  /// The children of a process that ends are nobody's: those that have ended already vanish.
  static func reparentChildren(of process: Process) {
    var orphans: Process? = nil
    lock.withLock {
      orphans = process.firstChild
      process.firstChild = nil
      var next = orphans
      while let child = next {
        child.parent = nil
        if child.ending != nil { remove(child) }
        next = child.nextSibling
      }
    }
    // Cut the chain link by link, so that a long one is not released recursively.
    while let child = orphans {
      orphans = child.nextSibling
      child.nextSibling = nil
    }
  }

  /// A process has ended: wakes who waits for it, or forgets it where nobody will.
  ///
  /// - Parameter mark: makes the end visible, under the table's lock.
  static func ended(_ process: Process, mark: () -> Void) {
    let parent: Process? = lock.withLock {
      mark()
      if process.parent == nil { remove(process) }
      return process.parent
    }
    if let parent {
      parent.endedChildren.add(1)
      parent.changed.wake()
    }
  }

  enum WaitResult {
    case found(identifier: Int32, status: Int32)
    /// There are matching children, none of which has ended.
    case none
    case noChildren
  }

  /// Looks for a child that has ended, and takes it.
  ///
  /// - Parameter selection: wait4's first argument.
  static func takeEndedChild(of parent: Process, selection: Int32) -> WaitResult {
    var taken: Process? = nil
    lock.acquire()
    var hasMatch = false
    var previous: Process? = nil
    var next = parent.firstChild
    while let child = next {
      next = child.nextSibling
      if selection == -1 || selection == 0 || child.identifier == selection {
        hasMatch = true
        if child.ending != nil {
          if let previous { previous.nextSibling = next } else { parent.firstChild = next }
          child.nextSibling = nil
          remove(child)
          taken = child
          break
        }
      }
      previous = child
    }
    lock.release()
    guard let taken else { return hasMatch ? .none : .noChildren }
    parent.addUsage(ofChild: taken)
    return .found(identifier: taken.identifier, status: taken.exitStatus)
  }
}
