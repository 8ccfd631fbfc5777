/// The machine operations that the FPU policy needs.
///
/// The kernel implements them with instructions and per-CPU memory, the host tests with simulated registers
/// that carry the identity of the thread that wrote them. Every call is made with preemption off and
/// interrupts disabled, on the CPU that it acts on.
public protocol FPUMachine {
  /// A reference to a thread.
  associatedtype Thread: Equatable

  /// The strategy in force. Changes only while every CPU has given up its registers.
  var strategy: FPUStrategy { get }
  /// The number of the CPU that runs this code.
  var currentCPU: Int32 { get }
  /// The thread that this CPU runs.
  var currentThread: Thread { get }
  /// The thread whose state this CPU's registers hold, if that thread's `lastCPU` agrees.
  var owner: Thread? { get nonmutating set }
  /// Whether `owner` is this thread; the kernel has a shorter way to tell.
  func isOwner(_ thread: Thread) -> Bool
  /// Whether `currentCPU` is this number; likewise.
  func isCurrentCPU(_ number: Int32) -> Bool
  /// Whether this CPU is inside a kernel SIMD section.
  var isKernelSectionOpen: Bool { get nonmutating set }
  /// CR0.TS. Setting it to the value that it has costs no write of CR0, which serialises.
  var trapsOnUse: Bool { get nonmutating set }

  /// Where the policy's record of a thread lies; valid as long as the thread.
  func state(of thread: Thread) -> UnsafeMutablePointer<FPUThreadState>

  /// Has the way back to user mode call `FPUPolicy.returnToUserMode` for this thread.
  func requestLoadOnReturn(_ thread: Thread)
  /// Takes that request back.
  func cancelLoadOnReturn(_ thread: Thread)

  /// Writes the registers to the thread's area. Neither the registers nor a pending exception change.
  func save(_ thread: Thread)
  /// Reads the thread's area into the registers. False when the instruction faulted: then the registers
  /// hold anything.
  func restore(_ thread: Thread) -> Bool
  /// Puts every component of the registers into its initial state.
  func loadInitialState()
  /// Puts the initial image into a thread's area.
  func resetArea(of thread: Thread)
  /// Copies the contents of one thread's area to another's.
  func copyArea(from source: Thread, to destination: Thread)
  /// Takes a thread that ends out of the owner of every CPU, against concurrent changes.
  func removeFromAllOwners(_ thread: Thread)

  /// Whether the CPU has protection keys and the kernel has enabled them.
  var hasProtectionKeys: Bool { get }
  /// PKRU.
  var protectionKeyRights: UInt32 { get nonmutating set }

  /// Makes PKRU what a thread that is switched in had, if the CPU has protection keys.
  func switchProtectionKeyRights(to rights: UInt32)

  /// Counts an event on this CPU.
  func count(_ event: FPUEvent)
}

extension FPUMachine {
  public func switchProtectionKeyRights(to rights: UInt32) {
    if hasProtectionKeys, protectionKeyRights != rights { protectionKeyRights = rights }
  }
  public func isOwner(_ thread: Thread) -> Bool { owner == thread }
  public func isCurrentCPU(_ number: Int32) -> Bool { currentCPU == number }
}
