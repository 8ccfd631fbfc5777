import Core
import Machine

extension SystemCalls {
  /// epoll_create(2): the size has to be more than 0 and says nothing.
  static func epoll_create(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Int32(truncatingIfNeeded: arguments.first) > 0 else { throw .invalid }
    return try makeEpoll(closesOnExec: false)
  }

  /// epoll_create1(2)
  static func epoll_create1(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let flags = OpenFlags(rawValue: UInt32(truncatingIfNeeded: arguments.first))
    guard flags.isSubset(of: .closeOnExec) else { throw .invalid }
    return try makeEpoll(closesOnExec: flags.contains(.closeOnExec))
  }

  private static func makeEpoll(closesOnExec: Bool) throws(Errno) -> Int64 {
    guard Frames.freeCount > Frames.reserve else { throw .outOfMemory }
    let epoll = Epoll(node: AnonymousFiles.eventNode, flags: .readWrite)
    return try addDescriptor(epoll, closesOnExec: closesOnExec)
  }

  /// epoll_ctl(2)
  static func epoll_ctl(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let operation = Int32(truncatingIfNeeded: arguments.second)
    var wanted: EpollEvents = []
    var data: UInt64 = 0
    if operation != 2 {
      guard let events = UserMemory.load(UInt32(0), from: arguments.fourth),
        let given = UserMemory.load(UInt64(0), from: arguments.fourth &+ 4)
      else { throw .badAddress }
      wanted = EpollEvents(rawValue: events)
      data = given
    }
    let instance = try file(arguments.first)
    let target = try file(arguments.third)
    // Both stay until the instance's lock has been released: their end takes it.
    defer { withExtendedLifetime((instance, target)) {} }
    guard target.watchers != nil else { throw .notPermitted }
    guard let epoll = instance.epoll, instance !== target else { throw .invalid }
    if wanted.contains(.exclusive) {
      let allowed = EpollEvents(rawValue: 0x1 | 0x4 | 0x8 | 0x10).union([.exclusive, .wakeUp, .edgeTriggered])
      if operation == 3 || operation == 1 && (target.epoll != nil || !allowed.isSuperset(of: wanted)) {
        throw .invalid
      }
    }
    // Asked for or not.
    wanted.formUnion(EpollEvents(rawValue: 0x8 | 0x10))
    let descriptor = Int32(truncatingIfNeeded: arguments.third)
    epoll.control.acquire()
    defer { epoll.control.release() }
    switch operation {
    case 1:  // EPOLL_CTL_ADD
      if let nested = target.epoll {
        try EpollNesting.adding(nested, to: epoll) { () throws(Errno) in
          try epoll.add(descriptor, target, wanted, data: data)
        }
      } else {
        try epoll.add(descriptor, target, wanted, data: data)
      }
    case 2: try epoll.delete(descriptor, target)
    case 3: try epoll.modify(descriptor, target, wanted, data: data)
    default: throw .invalid
    }
    return 0
  }

  /// epoll_wait(2)
  static func epoll_wait(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    try waitForEpoll(arguments, until: deadline(milliseconds: Int32(truncatingIfNeeded: arguments.fourth)))
  }

  /// epoll_pwait(2)
  static func epoll_pwait(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let deadline = deadline(milliseconds: Int32(truncatingIfNeeded: arguments.fourth))
    return try withSignalMask(at: arguments.fifth, size: arguments.sixth) { () throws(Errno) in
      try waitForEpoll(arguments, until: deadline)
    }
  }

  /// epoll_pwait2(2)
  static func epoll_pwait2(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let deadline = try deadline(timeSpecificationAt: arguments.fourth)
    return try withSignalMask(at: arguments.fifth, size: arguments.sixth) { () throws(Errno) in
      try waitForEpoll(arguments, until: deadline)
    }
  }

  private static func waitForEpoll(
    _ arguments: SystemCallArguments, until deadline: UInt64?
  ) throws(Errno) -> Int64 {
    let limit = Int32(truncatingIfNeeded: arguments.third)
    guard limit > 0, limit <= Int32.max / 12 else { throw .invalid }
    guard UserMemory.contains(arguments.second, count: Int(limit) * 12) else { throw .badAddress }
    guard let epoll = try file(arguments.first).epoll else { throw .invalid }
    return Int64(try epoll.wait(into: arguments.second, limit: Int(limit), until: deadline))
  }
}
