/// The word of a lock whose owner stands in it: of a robust mutex (get_robust_list(2)), or of one with
/// priority inheritance (futex(2)).
public struct FutexLockWord: Equatable, Sendable {
  public var value: UInt32

  public init(_ value: UInt32) { self.value = value }

  /// Somebody waits in the kernel: who unlocks has to ask it.
  public static var waiters: UInt32 { 0x8000_0000 }
  /// The last owner ended without unlocking.
  public static var ownerDied: UInt32 { 0x4000_0000 }
  public static var threadMask: UInt32 { 0x3FFF_FFFF }

  /// The owner's identifier, or 0.
  public var owner: UInt32 { value & Self.threadMask }
  public var hasWaiters: Bool { value & Self.waiters != 0 }

  /// What a thread that wants the lock is to do.
  public enum Decision: Equatable, Sendable {
    /// Take it, by storing this.
    case take(UInt32)
    /// Store this, and wait for that owner.
    case wait(UInt32, owner: UInt32)
    /// It is the thread's own already (EDEADLK).
    case deadlock
    /// It names somebody else than those who wait know as its owner (EINVAL).
    case contradiction
  }

  /// - Parameters:
  ///   - known: the owner for whom others wait already; nil where nobody waits. While the word says that this one has
  ///     ended, the kernel is about to hand the lock to the first of them: who comes now waits behind.
  ///   - leavesWaiters: whether others will wait for the thread once it has the lock.
  public func lock(by thread: UInt32, othersWaitFor known: UInt32?, leavesWaiters: Bool = false) -> Decision {
    if owner == thread || known == thread { return .deadlock }
    if let known {
      let isAbandoned = owner == 0 && value & Self.ownerDied != 0
      return owner == known || isAbandoned ? .wait(value | Self.waiters, owner: known) : .contradiction
    }
    if owner == 0 {
      return .take(thread | value & Self.ownerDied | (leavesWaiters ? Self.waiters : 0))
    }
    return .wait(value | Self.waiters, owner: owner)
  }

  /// The word when the lock goes from its owner to a waiter.
  public func handedOver(to thread: UInt32) -> UInt32 { value & Self.ownerDied | Self.waiters | thread }

  /// The word after its owner has ended; nil where that thread does not own it.
  public func abandoned(by thread: UInt32) -> UInt32? {
    owner == thread ? value & Self.waiters | Self.ownerDied : nil
  }
}
