import Core
import Machine

/// What a process hands on to its children, beside memory, files and signal actions. Under the process's
/// lock.
struct ProcessAttributes {
  var limits = ResourceLimits()
  var credentials = Credentials()
  /// Supplementary groups; nil for none.
  var groups: SupplementaryGroups?
  /// personality(2)
  var personality: UInt32 = 0
  /// PR_SET_DUMPABLE: 0 or 1.
  var dumpable: UInt8 = 1
  /// PR_SET_THP_DISABLE
  var isWithoutHugePages = false
  /// Whether orphans among its descendants become its children (PR_SET_CHILD_SUBREAPER). Not inherited.
  var isSubreaper = false
  /// The signal for it when its parent ends (PR_SET_PDEATHSIG); 0 for none. Not inherited.
  var parentDeathSignal: UInt8 = 0
  /// -1000 to 1000: who is ended first when memory is out (/proc/PID/oom_score_adj).
  var outOfMemoryAdjustment: Int16 = 0
  /// What it has registered for with membarrier(2), as bits of its commands. Not inherited.
  var membarriers: UInt32 = 0

  /// Other credentials take effect.
  mutating func adopt(_ new: Credentials) {
    if new.isGuarded(after: credentials) {
      dumpable = 0
      parentDeathSignal = 0
    }
    credentials = new
  }

  /// A child's.
  var inherited: ProcessAttributes {
    var child = self
    child.isSubreaper = false
    child.parentDeathSignal = 0
    child.membarriers = 0
    return child
  }
}

/// The groups that a user is in beside the one of its credentials. Never changed: setgroups(2) makes another.
final class SupplementaryGroups: @unchecked Sendable {
  /// NGROUPS_MAX
  static var limit: Int { 65_536 }

  let identifiers: UnsafeMutableBufferPointer<UInt32>

  /// Room for some groups, which the caller fills in; nil when memory is out.
  init?(count: Int) {
    guard Frames.freeCount > Frames.reserve,
      let memory = KernelHeap.allocate(size: max(count, 1) * 4, alignment: 16)
    else { return nil }
    identifiers = UnsafeMutableBufferPointer(
      start: memory.bindMemory(to: UInt32.self, capacity: count), count: count)
  }

  deinit { KernelHeap.deallocate(UnsafeMutableRawPointer(identifiers.baseAddress!)) }
}

extension Process {
  /// The limit that is in force for a resource; `ResourceLimit.infinite` for none.
  func limit(_ resource: Resource) -> UInt64 { lock.withLock { attributes.limits[resource].soft } }

  var credentials: Credentials { lock.withLock { attributes.credentials } }

  func hasCapability(_ capability: Capabilities) -> Bool { credentials.effective.isSuperset(of: capability) }

  /// Whether one of the process's supplementary groups is this.
  func isInGroup(_ group: UInt32) -> Bool {
    lock.withLock { attributes.groups?.identifiers.contains(group) ?? false }
  }

  /// Who has most of it is ended when memory is out: the frames, adjusted by so many thousandths of all memory; 0 for
  /// a process that is spared. A word is read without the process's lock.
  var outOfMemoryWeight: Int {
    let adjustment = Int(attributes.outOfMemoryAdjustment)
    let count = frameCount
    if adjustment == -1000 || count == 0 { return 0 }
    return max(count + adjustment * Frames.totalCount / 1000, 1)
  }

  /// execve(2): gives the process the memory of its new program, and in the same moment the credentials that guard it,
  /// so that nobody gets at the memory of one program by the rights to the other. No lock is held: the old memory may
  /// end.
  ///
  /// - Parameters:
  ///   - credentials: those that the new program begins with, but for the promise to gain nothing.
  ///   - isReadable: whether it may read the program's files.
  /// - Returns: PR_GET_DUMPABLE of the new program. Where the old one's was 0 it stays so until the caller has closed
  ///   what the new one is not to have, and calls `setDumpable`.
  func startProgram(in space: AddressSpace, _ credentials: Credentials, isReadable: Bool) -> UInt8 {
    let (oldSpace, dumpable) = lock.withLock {
      // Nobody looks into the program of one who is not who began it, who gains something by its file, or who could
      // not read that either (prctl(2), PR_SET_DUMPABLE).
      let old = attributes.credentials
      let oldDumpable = attributes.dumpable
      let isPlain = old.user.effective == old.user.real && old.group.effective == old.group.real
      attributes.dumpable = isPlain && isReadable ? 1 : 0
      var new = credentials
      new.hasNoNewPrivileges = old.hasNoNewPrivileges
      attributes.adopt(new)
      attributes.membarriers = 0
      let dumpable = attributes.dumpable
      attributes.dumpable = min(dumpable, oldDumpable)
      return (exchangeAddressSpace(space), dumpable)
    }
    withExtendedLifetime(oldSpace) {}
    return dumpable
  }

  /// PR_SET_DUMPABLE: 0 or 1.
  func setDumpable(_ value: UInt8) { lock.withLock { attributes.dumpable = value } }
}
