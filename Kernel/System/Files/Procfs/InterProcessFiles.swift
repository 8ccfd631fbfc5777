import Core
import Machine

/// /proc/sysvipc, and the settings of System V objects in /proc/sys/kernel (proc_sysvipc(5), proc_sys_kernel(5)).
enum InterProcessFiles {
  static func add(to root: ProcRoot) {
    let lists = root.addDirectory("sysvipc")
    lists.addFile("shm") { text throws(Errno) in writeSegments(to: &text) }
    lists.addFile("sem") { text throws(Errno) in writeSemaphores(to: &text) }
    lists.addFile("msg") { text throws(Errno) in writeMessages(to: &text) }
  }

  // MARK: Lists

  private static func writeSegments(to text: inout TextBuffer) {
    text.put("       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid")
    text.put("      atime      dtime      ctime                   rss                  swap\n")
    InterProcess.segments.forEach { object in
      let segment = unsafeDowncast(object, to: SharedSegment.self)
      let record = segment.record
      put(record.permissions, of: segment, &text)
      put(record.size, 21, &text)
      put(record.creatorProcess, 5, &text)
      put(record.lastProcess, 5, &text)
      put(record.attachmentCount, 6, &text)
      putIdentities(record.permissions, &text)
      put(record.attachTime, 10, &text)
      put(record.detachTime, 10, &text)
      put(record.changeTime, 10, &text)
      put(segment.store.residentPages << 12, 21, &text)
      put(0, 21, &text)
      text.put("\n")
    }
  }

  private static func writeSemaphores(to text: inout TextBuffer) {
    text.put("       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n")
    InterProcess.semaphores.forEach { object in
      let record = unsafeDowncast(object, to: SemaphoreSet.self).record
      put(record.permissions, of: object, &text)
      put(record.count, 10, &text)
      putIdentities(record.permissions, &text)
      put(record.operationTime, 10, &text)
      put(record.changeTime, 10, &text)
      text.put("\n")
    }
  }

  private static func writeMessages(to text: inout TextBuffer) {
    text.put("       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid")
    text.put("      stime      rtime      ctime\n")
    InterProcess.messages.forEach { object in
      let record = unsafeDowncast(object, to: SystemVQueue.self).record
      put(record.permissions, of: object, &text)
      text.put(" ")
      put(record.byteCount, 10, &text)
      put(record.messageCount, 10, &text)
      put(record.lastSender, 5, &text)
      put(record.lastReceiver, 5, &text)
      putIdentities(record.permissions, &text)
      put(record.sendTime, 10, &text)
      put(record.receiveTime, 10, &text)
      put(record.changeTime, 10, &text)
      text.put("\n")
    }
  }

  /// The columns that each list begins with.
  private static func put(
    _ record: InterProcessPermissionRecord, of object: InterProcessObject, _ text: inout TextBuffer
  ) {
    text.put(record.key, width: 10)
    put(object.identifier, 10, &text)
    text.put("  ")
    let start = text.needed
    text.pad(from: start, to: record.mode >= 0o1000 ? 0 : record.mode >= 0o100 ? 1 : record.mode >= 0o10 ? 2 : 3)
    text.put(octal: UInt64(record.mode))
  }

  private static func putIdentities(_ record: InterProcessPermissionRecord, _ text: inout TextBuffer) {
    put(record.owner, 5, &text)
    put(record.group, 5, &text)
    put(record.creator, 5, &text)
    put(record.creatorGroup, 5, &text)
  }

  private static func put<Number: FixedWidthInteger>(_ number: Number, _ width: Int, _ text: inout TextBuffer) {
    text.put(" ")
    text.put(number, width: width)
  }

  // MARK: Settings

  static func addSettings(to kernel: FixedDirectory) {
    addSetting("shmmax", to: kernel) { SharedSegments.maximumSize } set: { SharedSegments.maximumSize = $0 }
    addSetting("shmall", to: kernel) { SharedSegments.maximumPages } set: { SharedSegments.maximumPages = $0 }
    addSetting("shmmni", to: kernel) {
      UInt64(InterProcess.segments.limit)
    } set: { number throws(Errno) in
      InterProcess.segments.limit = Int(try checked(number, atMost: UInt64(IdentifierSequence.placeLimit)))
    }
    kernel.addFile("shm_rmid_forced") { text throws(Errno) in text.put("0\n") }
    addSetting("msgmax", to: kernel) {
      UInt64(SystemVQueues.maximumSize)
    } set: { number throws(Errno) in
      SystemVQueues.maximumSize = Int32(try checked(number, atMost: messageSizeLimit))
    }
    addSetting("msgmnb", to: kernel) {
      UInt64(SystemVQueues.maximumBytes)
    } set: { number throws(Errno) in
      SystemVQueues.maximumBytes = Int32(try checked(number, atMost: UInt64(Int32.max)))
    }
    addSetting("msgmni", to: kernel) {
      UInt64(InterProcess.messages.limit)
    } set: { number throws(Errno) in
      InterProcess.messages.limit = Int(try checked(number, atMost: UInt64(IdentifierSequence.placeLimit)))
    }
    kernel.addFile("sem", permissions: 0o644) { text throws(Errno) in
      writeSemaphoreLimits(to: &text)
    } receiver: { value throws(Errno) in
      try setSemaphoreLimits(value)
    }
    addWish("shm_next_id", to: kernel, of: InterProcess.segments)
    addWish("sem_next_id", to: kernel, of: InterProcess.semaphores)
    addWish("msg_next_id", to: kernel, of: InterProcess.messages)
  }

  private static func writeSemaphoreLimits(to text: inout TextBuffer) {
    let limits = SemaphoreSets.limits
    text.put(limits.perSet)
    text.put("\t")
    text.put(limits.total)
    text.put("\t")
    text.put(limits.operations)
    text.put("\t")
    text.put(limits.sets)
    text.put("\n")
  }

  /// Up to four numbers; those that are not given stay.
  private static func setSemaphoreLimits(_ value: ByteView) throws(Errno) {
    let old = SemaphoreSets.limits
    var numbers: InlineArray<4, Int32> = [old.perSet, old.total, old.operations, old.sets]
    var index = 0
    var count = 0
    while index < value.count, count < 4 {
      guard value[index] > 32 else {
        index += 1
        continue
      }
      var number: Int64 = 0
      while index < value.count, value[index] > 32 {
        guard value[index] >= 48, value[index] < 58, number <= Int64(Int32.max) else { throw .invalid }
        number = number * 10 + Int64(value[index] - 48)
        index += 1
      }
      guard let number = Int32(exactly: number) else { throw .invalid }
      numbers[count] = number
      count += 1
    }
    guard count > 0, Int(numbers[3]) <= IdentifierSequence.placeLimit else { throw .invalid }
    SemaphoreSets.limits = SemaphoreLimits(
      perSet: numbers[0], total: numbers[1], operations: numbers[2], sets: numbers[3])
  }

  /// A message is one block of the heap.
  private static var messageSizeLimit: UInt64 { 1 << 20 }

  private static func checked(_ number: UInt64, atMost limit: UInt64) throws(Errno) -> UInt64 {
    guard number <= limit else { throw .invalid }
    return number
  }

  private static func addSetting(
    _ name: StaticString, to directory: FixedDirectory, _ get: @escaping () -> UInt64,
    set: @escaping (UInt64) throws(Errno) -> Void
  ) {
    directory.addFile(
      name, permissions: 0o644,
      { text throws(Errno) in
        text.put(get())
        text.put("\n")
      },
      receiver: { value throws(Errno) in
        guard let number = value.settingNumber, number >= 0 else { throw .invalid }
        try set(UInt64(number))
      })
  }

  /// The identifier that the next object is to get, for who restores saved programs.
  private static func addWish(_ name: StaticString, to directory: FixedDirectory, of table: InterProcessTable) {
    directory.addFile(
      name, permissions: 0o644,
      { text throws(Errno) in
        text.put(table.wish)
        text.put("\n")
      },
      receiver: { value throws(Errno) in
        guard let number = value.settingNumber, number >= 0, let wish = Int32(exactly: number) else { throw .invalid }
        table.wish = wish
      })
  }
}
