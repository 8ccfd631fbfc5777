/// A device's number as st_rdev has it (makedev(3), the kernel's 32-bit form).
struct DeviceNumber: Equatable, Sendable {
  let rawValue: UInt64

  init(rawValue: UInt64) { self.rawValue = rawValue & 0xFFFF_FFFF }

  init(major: UInt32, minor: UInt32) {
    rawValue = UInt64(minor & 0xFF) | UInt64(major & 0xFFF) << 8 | UInt64(minor & 0xF_FF00) << 12
  }

  var major: UInt32 { UInt32(rawValue >> 8 & 0xFFF) }
  var minor: UInt32 { UInt32(rawValue & 0xFF | rawValue >> 12 & 0xF_FF00) }
}
