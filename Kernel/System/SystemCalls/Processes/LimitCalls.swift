import Core
import Machine

/// Limits of resources.
extension SystemCalls {
  /// prlimit64(2)
  static func prlimit64(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    var new: ResourceLimit? = nil
    if arguments.third != 0 { new = try resourceLimit(at: arguments.third) }
    let process = try process(arguments.first, requiring: .exceedLimits)
    let resource = try resource(arguments.second)
    let old = try change(resource, of: process, to: new)
    if arguments.fourth != 0, !UserMemory.store(old, to: arguments.fourth) { throw .badAddress }
    return 0
  }

  /// getrlimit(2)
  static func getrlimit(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let resource = try resource(arguments.first)
    let limit = try change(resource, of: Scheduler.current.pointee.process!, to: nil)
    guard UserMemory.store(limit, to: arguments.second) else { throw .badAddress }
    return 0
  }

  /// setrlimit(2)
  static func setrlimit(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let resource = try resource(arguments.first)
    let limit = try resourceLimit(at: arguments.second)
    _ = try change(resource, of: Scheduler.current.pointee.process!, to: limit)
    return 0
  }

  private static func resource(_ number: UInt64) throws(Errno) -> Resource {
    guard let resource = Resource(rawValue: Int(number & 0xFFFF_FFFF)) else { throw .invalid }
    return resource
  }

  private static func resourceLimit(at address: UInt64) throws(Errno) -> ResourceLimit {
    guard let limit = UserMemory.load(ResourceLimit(soft: 0, hard: 0), from: address) else {
      throw .badAddress
    }
    return limit
  }

  /// Returns the limit as it was.
  private static func change(
    _ resource: Resource, of process: Process, to new: ResourceLimit?
  ) throws(Errno) -> ResourceLimit {
    let isPrivileged = Scheduler.current.pointee.process!.hasCapability(.exceedLimits)
    do throws(ResourceLimits.Refusal) {
      let old = try process.lock.withLock { () throws(ResourceLimits.Refusal) in
        let old = process.attributes.limits[resource]
        if let new { try process.attributes.limits.set(resource, to: new, isPrivileged: isPrivileged) }
        return old
      }
      if resource == .cpuTime, new != nil { process.applyCPULimit() }
      return old
    } catch {
      switch error {
      case .invalid: throw .invalid
      case .notPermitted: throw .notPermitted
      }
    }
  }

  /// The process that an identifier names, that of one of its threads included; 0 is the caller's.
  ///
  /// - Parameter capability: what the caller needs where the process is another user's.
  static func process(_ identifier: UInt64, requiring capability: Capabilities) throws(Errno) -> Process {
    let number = Int32(truncatingIfNeeded: identifier)
    let own = Scheduler.current.pointee.process!
    if number == 0 || number == own.identifier { return own }
    guard number > 0, let process = Processes.find(number) ?? process(ofThread: number) else { throw .noProcess }
    let caller = own.credentials
    let target = process.credentials
    func isSame(_ identifier: UInt32, _ others: Credentials.Identifiers) -> Bool {
      identifier == others.real && identifier == others.effective && identifier == others.saved
    }
    guard
      caller.effective.isSuperset(of: capability)
        || isSame(caller.user.real, target.user) && isSame(caller.group.real, target.group)
    else { throw .notPermitted }
    return process
  }
}
