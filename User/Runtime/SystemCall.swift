import Assembly

/// Numbers of Linux system calls on x86-64.
public enum SystemCallNumber {
  public static let read: UInt = 0
  public static let write: UInt = 1
  public static let close: UInt = 3
  public static let mmap: UInt = 9
  public static let mprotect: UInt = 10
  public static let munmap: UInt = 11
  public static let brk: UInt = 12
  public static let pipe: UInt = 22
  public static let schedYield: UInt = 24
  public static let nanosleep: UInt = 35
  public static let getpid: UInt = 39
  public static let clone: UInt = 56
  public static let fork: UInt = 57
  public static let execve: UInt = 59
  public static let exit: UInt = 60
  public static let wait4: UInt = 61
  public static let archPrctl: UInt = 158
  public static let gettid: UInt = 186
  public static let futex: UInt = 202
  public static let schedSetAffinity: UInt = 203
  public static let schedGetAffinity: UInt = 204
  public static let clockGetTime: UInt = 228
  public static let exitGroup: UInt = 231
  public static let pipe2: UInt = 293
}

/// Linux errno values that the programs expect.
public enum ErrorNumber {
  public static let noEntry = 2
  public static let badDescriptor = 9
  public static let noChild = 10
  public static let again = 11
  public static let noMemory = 12
  public static let badAddress = 14
  public static let invalid = 22
  public static let brokenPipe = 32
  public static let noSystemCall = 38
  public static let timedOut = 110
}

/// A Linux system call with up to six arguments.
///
/// - Returns: the call's result, or a negative errno value.
public func callSystem(
  _ number: UInt, _ first: UInt = 0, _ second: UInt = 0, _ third: UInt = 0, _ fourth: UInt = 0,
  _ fifth: UInt = 0, _ sixth: UInt = 0
) -> Int {
  systemCall(number, first, second, third, fourth, fifth, sixth)
}

/// The address behind a pointer, as a system call's argument.
public func address(_ pointer: UnsafeRawPointer?) -> UInt {
  UInt(bitPattern: pointer)
}

public func processIdentifier() -> Int { callSystem(SystemCallNumber.getpid) }

public func threadIdentifier() -> Int { callSystem(SystemCallNumber.gettid) }

public func yieldProcessor() { _ = callSystem(SystemCallNumber.schedYield) }

/// Ends all threads of the process.
public func exitProcess(_ status: Int32) -> Never {
  while true { _ = callSystem(SystemCallNumber.exitGroup, UInt(bitPattern: Int(status))) }
}

/// Waits for one child.
///
/// - Returns: its identifier or a negative errno value, and its status as wait4 encodes it.
public func waitForChild(_ identifier: Int) -> (identifier: Int, status: Int32) {
  var status: Int32 = 0
  let result = withUnsafeMutablePointer(to: &status) {
    callSystem(SystemCallNumber.wait4, UInt(bitPattern: identifier), address($0), 0, 0)
  }
  return (result, status)
}

/// Lets the calling thread run on one CPU alone. Returns 0 or a negative errno value.
public func pinToProcessor(_ number: Int) -> Int {
  var mask = UInt64(1) << UInt64(number)
  return withUnsafeMutablePointer(to: &mask) {
    callSystem(SystemCallNumber.schedSetAffinity, 0, 8, address($0))
  }
}
