import Core
import Machine

// What programs see of objects: Linux's structures for x86-64, without holes.

/// `struct ipc64_perm`, 48 bytes.
struct InterProcessPermissionRecord: BitwiseCopyable {
  var key: Int32 = 0
  var owner: UInt32 = 0
  var group: UInt32 = 0
  var creator: UInt32 = 0
  var creatorGroup: UInt32 = 0
  var mode: UInt32 = 0
  var sequence: UInt16 = 0
  var padding1: UInt16 = 0
  var padding2: UInt32 = 0
  var unused: (UInt64, UInt64) = (0, 0)

  init() {}

  /// The object's lock is held.
  init(_ object: InterProcessObject) {
    key = object.key
    owner = object.permissions.owner
    group = object.permissions.group
    creator = object.permissions.creator
    creatorGroup = object.permissions.creatorGroup
    mode = object.permissions.mode
    sequence = UInt16(truncatingIfNeeded: IdentifierSequence.sequence(of: object.identifier))
  }
}

/// `struct shmid64_ds`, 112 bytes.
struct SharedSegmentRecord: BitwiseCopyable {
  var permissions = InterProcessPermissionRecord()
  var size: UInt64 = 0
  var attachTime: Int64 = 0
  var detachTime: Int64 = 0
  var changeTime: Int64 = 0
  var creatorProcess: Int32 = 0
  var lastProcess: Int32 = 0
  var attachmentCount: UInt64 = 0
  var unused: (UInt64, UInt64) = (0, 0)
}

/// `struct shminfo64`, 72 bytes.
struct SharedMemoryLimitsRecord: BitwiseCopyable {
  var maximumSize: UInt64 = 0
  var minimumSize: UInt64 = 1
  var maximumCount: UInt64 = 0
  var maximumPerProcess: UInt64 = 0
  var maximumPages: UInt64 = 0
  var unused: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
}

/// `struct shm_info`, 48 bytes.
struct SharedMemoryUseRecord: BitwiseCopyable {
  var count: Int32 = 0
  var padding: Int32 = 0
  var pages: UInt64 = 0
  var residentPages: UInt64 = 0
  var swappedPages: UInt64 = 0
  var swaps: (UInt64, UInt64) = (0, 0)
}

/// `struct semid64_ds`, 104 bytes.
struct SemaphoreSetRecord: BitwiseCopyable {
  var permissions = InterProcessPermissionRecord()
  var operationTime: Int64 = 0
  var unused1: UInt64 = 0
  var changeTime: Int64 = 0
  var unused2: UInt64 = 0
  var count: UInt64 = 0
  var unused: (UInt64, UInt64) = (0, 0)
}

/// `struct seminfo`, 40 bytes.
struct SemaphoreLimitsRecord: BitwiseCopyable {
  var entries: Int32
  var setCount: Int32
  var count: Int32
  var undoCount: Int32
  var countPerSet: Int32
  var operationsPerCall: Int32
  var undosPerProcess: Int32
  var undoSize: Int32 = 20
  var largestValue = Semaphore.largestValue
  var largestAdjustment = Semaphore.largestValue

  init(_ limits: SemaphoreLimits) {
    entries = limits.total
    setCount = limits.sets
    count = limits.total
    undoCount = limits.total
    countPerSet = limits.perSet
    operationsPerCall = limits.operations
    undosPerProcess = 500
  }
}

/// `struct msqid64_ds`, 120 bytes.
struct MessageQueueRecord: BitwiseCopyable {
  var permissions = InterProcessPermissionRecord()
  var sendTime: Int64 = 0
  var receiveTime: Int64 = 0
  var changeTime: Int64 = 0
  var byteCount: UInt64 = 0
  var messageCount: UInt64 = 0
  var byteLimit: UInt64 = 0
  var lastSender: Int32 = 0
  var lastReceiver: Int32 = 0
  var unused: (UInt64, UInt64) = (0, 0)
}

/// `struct msginfo`, 32 bytes.
struct MessageLimitsRecord: BitwiseCopyable {
  var pool: Int32 = 0
  var map: Int32 = 0
  var maximumSize: Int32 = 0
  var maximumBytes: Int32 = 0
  var maximumCount: Int32 = 0
  var segmentSize: Int32 = 16
  var headers: Int32 = 0
  var segments: UInt16 = 0xFFFF
  var padding: UInt16 = 0
}

/// What bounds semaphores (proc_sys_kernel(5), sem).
struct SemaphoreLimits {
  /// SEMMSL, SEMMNS, SEMOPM and SEMMNI.
  var perSet: Int32 = 32000
  var total: Int32 = 1_024_000_000
  var operations: Int32 = 500
  var sets: Int32 = 32000
}
