/// Whom a waiter for a lock with priority inheritance waits for: the lock's owner, the owner of the lock for which that
/// one waits, and so on.
public struct FutexOwnerChain {
  /// How far it is followed.
  public static var limit: Int { 64 }

  private var owners = InlineArray<64, UInt32>(repeating: 0)
  private var count = 0

  /// - Parameter next: the owner for whom a thread waits; 0 for none, nil where the thread can own nothing.
  public init(from owner: UInt32, next: (UInt32) -> UInt32?) {
    var owner = owner
    while count < Self.limit, owner != 0, let following = next(owner) {
      owners[count] = owner
      count += 1
      owner = following
    }
  }

  /// Whether the first one can own nothing: it has ended, or has never been.
  public var isEmpty: Bool { count == 0 }

  /// Whether that thread would wait for itself (EDEADLK).
  public func contains(_ thread: UInt32) -> Bool {
    for index in 0..<count where owners[index] == thread { return true }
    return false
  }
}
