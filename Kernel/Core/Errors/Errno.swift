/// Linux's error numbers, as system calls return them (negated, in RAX).
public struct Errno: Error, Equatable, Sendable {
  public let number: Int64

  @inline(__always)
  private init(_ number: Int64) { self.number = number }

  public static var notPermitted: Errno { Errno(1) }  // EPERM
  public static var noEntry: Errno { Errno(2) }  // ENOENT
  public static var noProcess: Errno { Errno(3) }  // ESRCH
  public static var interrupted: Errno { Errno(4) }  // EINTR
  public static var inputOutput: Errno { Errno(5) }  // EIO
  public static var noSuchDeviceOrAddress: Errno { Errno(6) }  // ENXIO
  public static var argumentsTooLong: Errno { Errno(7) }  // E2BIG
  public static var notExecutable: Errno { Errno(8) }  // ENOEXEC
  public static var badFile: Errno { Errno(9) }  // EBADF
  public static var noChildren: Errno { Errno(10) }  // ECHILD
  public static var tryAgain: Errno { Errno(11) }  // EAGAIN
  public static var outOfMemory: Errno { Errno(12) }  // ENOMEM
  public static var access: Errno { Errno(13) }  // EACCES
  public static var badAddress: Errno { Errno(14) }  // EFAULT
  public static var blockDeviceRequired: Errno { Errno(15) }  // ENOTBLK
  public static var busy: Errno { Errno(16) }  // EBUSY
  public static var exists: Errno { Errno(17) }  // EEXIST
  public static var crossDevice: Errno { Errno(18) }  // EXDEV
  public static var noDevice: Errno { Errno(19) }  // ENODEV
  public static var notDirectory: Errno { Errno(20) }  // ENOTDIR
  public static var isDirectory: Errno { Errno(21) }  // EISDIR
  public static var invalid: Errno { Errno(22) }  // EINVAL
  public static var tooManyFilesInSystem: Errno { Errno(23) }  // ENFILE
  public static var tooManyFiles: Errno { Errno(24) }  // EMFILE
  public static var notTerminal: Errno { Errno(25) }  // ENOTTY
  public static var textFileBusy: Errno { Errno(26) }  // ETXTBSY
  public static var fileTooLarge: Errno { Errno(27) }  // EFBIG
  public static var noSpace: Errno { Errno(28) }  // ENOSPC
  public static var illegalSeek: Errno { Errno(29) }  // ESPIPE
  public static var readOnlyFileSystem: Errno { Errno(30) }  // EROFS
  public static var tooManyLinks: Errno { Errno(31) }  // EMLINK
  public static var brokenPipe: Errno { Errno(32) }  // EPIPE
  public static var outOfDomain: Errno { Errno(33) }  // EDOM
  public static var outOfRange: Errno { Errno(34) }  // ERANGE
  public static var deadlock: Errno { Errno(35) }  // EDEADLK
  public static var nameTooLong: Errno { Errno(36) }  // ENAMETOOLONG
  public static var noLocks: Errno { Errno(37) }  // ENOLCK
  public static var notImplemented: Errno { Errno(38) }  // ENOSYS
  public static var notEmpty: Errno { Errno(39) }  // ENOTEMPTY
  public static var tooManySymbolicLinks: Errno { Errno(40) }  // ELOOP
  public static var noMessage: Errno { Errno(42) }  // ENOMSG
  public static var identifierRemoved: Errno { Errno(43) }  // EIDRM
  public static var noData: Errno { Errno(61) }  // ENODATA
  public static var timerExpired: Errno { Errno(62) }  // ETIME
  public static var protocolError: Errno { Errno(71) }  // EPROTO
  public static var badMessage: Errno { Errno(74) }  // EBADMSG
  public static var overflow: Errno { Errno(75) }  // EOVERFLOW
  public static var badFileDescriptorState: Errno { Errno(77) }  // EBADFD
  public static var illegalSequence: Errno { Errno(84) }  // EILSEQ
  public static var tooManyUsers: Errno { Errno(87) }  // EUSERS
  public static var notSocket: Errno { Errno(88) }  // ENOTSOCK
  public static var destinationRequired: Errno { Errno(89) }  // EDESTADDRREQ
  public static var messageTooLong: Errno { Errno(90) }  // EMSGSIZE
  public static var wrongProtocolType: Errno { Errno(91) }  // EPROTOTYPE
  public static var protocolOptionUnavailable: Errno { Errno(92) }  // ENOPROTOOPT
  public static var protocolNotSupported: Errno { Errno(93) }  // EPROTONOSUPPORT
  public static var socketTypeNotSupported: Errno { Errno(94) }  // ESOCKTNOSUPPORT
  public static var notSupported: Errno { Errno(95) }  // EOPNOTSUPP
  public static var protocolFamilyNotSupported: Errno { Errno(96) }  // EPFNOSUPPORT
  public static var addressFamilyNotSupported: Errno { Errno(97) }  // EAFNOSUPPORT
  public static var addressInUse: Errno { Errno(98) }  // EADDRINUSE
  public static var addressNotAvailable: Errno { Errno(99) }  // EADDRNOTAVAIL
  public static var networkDown: Errno { Errno(100) }  // ENETDOWN
  public static var networkUnreachable: Errno { Errno(101) }  // ENETUNREACH
  public static var connectionAborted: Errno { Errno(103) }  // ECONNABORTED
  public static var connectionReset: Errno { Errno(104) }  // ECONNRESET
  public static var noBufferSpace: Errno { Errno(105) }  // ENOBUFS
  public static var alreadyConnected: Errno { Errno(106) }  // EISCONN
  public static var notConnected: Errno { Errno(107) }  // ENOTCONN
  public static var shutDown: Errno { Errno(108) }  // ESHUTDOWN
  public static var tooManyReferences: Errno { Errno(109) }  // ETOOMANYREFS
  public static var timedOut: Errno { Errno(110) }  // ETIMEDOUT
  public static var connectionRefused: Errno { Errno(111) }  // ECONNREFUSED
  public static var hostUnreachable: Errno { Errno(113) }  // EHOSTUNREACH
  public static var alreadyInProgress: Errno { Errno(114) }  // EALREADY
  public static var inProgress: Errno { Errno(115) }  // EINPROGRESS
  public static var staleHandle: Errno { Errno(116) }  // ESTALE
  public static var quotaExceeded: Errno { Errno(122) }  // EDQUOT
  public static var canceled: Errno { Errno(125) }  // ECANCELED
  public static var ownerDied: Errno { Errno(130) }  // EOWNERDEAD
  public static var notRecoverable: Errno { Errno(131) }  // ENOTRECOVERABLE

  // Linux's own, which no program sees: the way back to user mode turns them into a restart of the call, or into
  // `interrupted` (linux/errno.h).

  /// Restart, unless a handler without SA_RESTART runs.
  public static var restart: Errno { Errno(512) }  // ERESTARTSYS
  /// Restart, whatever handler runs.
  public static var restartAlways: Errno { Errno(513) }  // ERESTARTNOINTR
  /// Restart, unless any handler runs.
  public static var restartUnlessHandled: Errno { Errno(514) }  // ERESTARTNOHAND
  /// Go on by restart_syscall(2), unless any handler runs.
  public static var restartBlock: Errno { Errno(516) }  // ERESTART_RESTARTBLOCK
}
