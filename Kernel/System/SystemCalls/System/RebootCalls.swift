import Core
import Machine

extension SystemCalls {
  /// reboot(2)
  static func reboot(_ arguments: SystemCallArguments) throws(Errno) -> Int64 {
    guard Scheduler.current.pointee.process!.hasCapability(.reboot) else { throw .notPermitted }
    let magic = arguments.second & 0xFFFF_FFFF
    guard arguments.first & 0xFFFF_FFFF == 0xFEE1_DEAD,
      magic == 0x2812_1969 || magic == 0x0512_1996 || magic == 0x1604_1998 || magic == 0x2011_2000
    else { throw .invalid }
    switch arguments.third & 0xFFFF_FFFF {
    case 0x0123_4567:  // LINUX_REBOOT_CMD_RESTART
      log("restarting")
      MachineReset.restart()
    case 0xA1B2_C3D4:  // LINUX_REBOOT_CMD_RESTART2: with a word for the firmware, which has no use for it
      var word = InlineArray<256, UInt8>(repeating: 0)
      let length = withUnsafeMutableBytes(of: &word) {
        UserMemory.copyInString($0.bindMemory(to: UInt8.self), from: arguments.fourth)
      }
      guard length != nil else { throw .badAddress }
      log("restarting")
      MachineReset.restart()
    case 0xCDEF_0123:  // LINUX_REBOOT_CMD_HALT
      log("halted")
      Shutdown.finish(.passed)
    case 0x4321_FEDC:  // LINUX_REBOOT_CMD_POWER_OFF
      log("power down")
      Shutdown.finish(.passed)
    case 0x89AB_CDEF, 0:  // LINUX_REBOOT_CMD_CAD_ON, CAD_OFF: no keyboard, no key
      return 0
    default:
      throw .invalid
    }
  }
}
