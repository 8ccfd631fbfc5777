/// Linux's error numbers, as system calls return them (negated, in RAX).
public struct Errno: Error, Equatable, Sendable {
  public let number: Int64

  private init(_ number: Int64) { self.number = number }

  public static var notPermitted: Errno { Errno(1) }  // EPERM
  public static var noEntry: Errno { Errno(2) }  // ENOENT
  public static var noProcess: Errno { Errno(3) }  // ESRCH
  public static var interrupted: Errno { Errno(4) }  // EINTR
  public static var argumentsTooLong: Errno { Errno(7) }  // E2BIG
  public static var notExecutable: Errno { Errno(8) }  // ENOEXEC
  public static var badFile: Errno { Errno(9) }  // EBADF
  public static var noChildren: Errno { Errno(10) }  // ECHILD
  public static var tryAgain: Errno { Errno(11) }  // EAGAIN
  public static var outOfMemory: Errno { Errno(12) }  // ENOMEM
  public static var access: Errno { Errno(13) }  // EACCES
  public static var badAddress: Errno { Errno(14) }  // EFAULT
  public static var exists: Errno { Errno(17) }  // EEXIST
  public static var invalid: Errno { Errno(22) }  // EINVAL
  public static var nameTooLong: Errno { Errno(36) }  // ENAMETOOLONG
  public static var notImplemented: Errno { Errno(38) }  // ENOSYS
  public static var timedOut: Errno { Errno(110) }  // ETIMEDOUT

  init(_ failure: AddressSpace.Failure) {
    self =
      switch failure {
      case .outOfMemory: .outOfMemory
      case .invalid: .invalid
      case .exists: .exists
      case .access: .access
      }
  }
}
