import Core
import Machine

/// System V message queues.
extension SystemCalls {
  /// msgget(2)
  static func msgget(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let key = Int32(truncatingIfNeeded: arguments.first)
    let flags = arguments.second & 0xFFFF_FFFF
    return try InterProcess.messages.get(key: key, flags: flags) { _ throws(Errno) in
    } make: { () throws(Errno) in
      try SystemVQueues.make(key: key, flags: flags)
    }
  }

  /// msgsnd(2)
  static func msgsnd(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = Int32(truncatingIfNeeded: arguments.first)
    guard let type = UserMemory.load(Int64(0), from: arguments.second) else { throw .badAddress }
    guard arguments.third <= UInt64(SystemVQueues.maximumSize), identifier >= 0, type >= 1 else { throw .invalid }
    let message = try SystemVMessage.make(type: type, from: arguments.second &+ 8, count: Int(arguments.third))
    do throws(Errno) {
      try SystemVQueues.queue(identifier).send(message, waits: arguments.fourth & InterProcessFlags.noWait == 0)
    } catch {
      message.deallocateMessage()
      throw error
    }
    return 0
  }

  /// msgrcv(2)
  static func msgrcv(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = Int32(truncatingIfNeeded: arguments.first)
    let type = Int64(bitPattern: arguments.fourth)
    let flags = arguments.fifth
    guard identifier >= 0, let room = Int(exactly: arguments.third) else { throw .invalid }
    let selection = MessageSelection(type: type, flags: flags)
    let cutsOff = flags & MessageSelection.cutsOff != 0
    let waits = flags & InterProcessFlags.noWait == 0
    let message: SystemVMessage.Pointer
    if flags & MessageSelection.copy != 0 {
      if flags & MessageSelection.except != 0 || waits { throw .invalid }
      message = try SystemVQueues.queue(identifier).copy(selection, limit: room, cutsOff: cutsOff)
    } else {
      message = try SystemVQueues.queue(identifier).receive(selection, limit: room, cutsOff: cutsOff, waits: waits)
    }
    // As on Linux the message is lost where the program has no room for it after all.
    defer { message.deallocateMessage() }
    let count = min(room, message.pointee.count)
    guard UserMemory.store(message.pointee.type, to: arguments.second),
      UserMemory.copyOut(message.bytes, to: arguments.second &+ 8, count: count)
    else { throw .badAddress }
    return Int64(count)
  }

  /// msgctl(2)
  static func msgctl(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let identifier = Int32(truncatingIfNeeded: arguments.first)
    let command = Int32(truncatingIfNeeded: arguments.second)
    let address = arguments.third
    guard identifier >= 0, command >= 0 else { throw .invalid }
    switch command {
    case InterProcessCommand.remove:
      let queue = try SystemVQueues.queue(identifier)
      try queue.checkOwner()
      try queue.remove()
      return 0
    case InterProcessCommand.set:
      guard let record = UserMemory.load(MessageQueueRecord(), from: address) else { throw .badAddress }
      let queue = try SystemVQueues.queue(identifier)
      try queue.checkOwner()
      if record.byteLimit > UInt64(SystemVQueues.maximumBytes),
        !Scheduler.current.pointee.process!.hasCapability(.exceedLimits)
      {
        throw .notPermitted
      }
      try queue.set(record)
      return 0
    case InterProcessCommand.status:
      let queue = try SystemVQueues.queue(identifier)
      try queue.check(InterProcessPermissions.read)
      return try store(queue.record, at: address, result: 0)
    case 11, 13:  // MSG_STAT, MSG_STAT_ANY
      let object = try InterProcess.messages.object(at: identifier)
      if command == 11 { try object.check(InterProcessPermissions.read) }
      let queue = unsafeDowncast(object, to: SystemVQueue.self)
      return try store(queue.record, at: address, result: Int64(queue.identifier))
    case InterProcessCommand.information, 12:  // MSG_INFO
      var record = MessageLimitsRecord()
      record.maximumSize = SystemVQueues.maximumSize
      record.maximumBytes = SystemVQueues.maximumBytes
      record.maximumCount = Int32(InterProcess.messages.limit)
      if command == 12 {
        let counts = SystemVQueues.counts
        record.pool = Int32(InterProcess.messages.count)
        record.map = Int32(truncatingIfNeeded: counts.messages)
        record.headers = Int32(truncatingIfNeeded: counts.bytes)
      } else {
        // What Linux's header makes of its defaults.
        record.pool = 512_000
        record.map = 16384
        record.headers = 16384
      }
      return try store(record, at: address, result: InterProcess.messages.highestPlace)
    default: throw .invalid
    }
  }
}
