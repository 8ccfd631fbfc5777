import Core
import Machine

/// Protection keys (pkeys(7)).
extension SystemCalls {
  /// pkey_alloc(2)
  static func pkey_alloc(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard arguments.first == 0, arguments.second & ~3 == 0 else { throw .invalid }
    guard KernelFPU.hardware.hasProtectionKeys, let key = space.allocateKey() else { throw .noSpace }
    KernelFPU.setProtectionKeyRights(of: key, to: UInt32(arguments.second))
    return Int64(key)
  }

  /// pkey_free(2)
  static func pkey_free(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let number = Int32(truncatingIfNeeded: arguments.first)
    guard KernelFPU.hardware.hasProtectionKeys, number >= 0, number < 16, space.freeKey(UInt8(number)) else {
      throw .invalid
    }
    return 0
  }

  /// pkey_mprotect(2)
  static func pkey_mprotect(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    let number = Int32(truncatingIfNeeded: arguments.fourth)
    if number == -1 { return try protect(arguments, key: nil) }
    guard number == 0 || KernelFPU.hardware.hasProtectionKeys, number >= 0, number < 16 else {
      throw .invalid
    }
    return try protect(arguments, key: UInt8(number))
  }
}
