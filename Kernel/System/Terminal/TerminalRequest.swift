/// The requests of ioctl(2) that terminals know (ioctl_tty(2)), with Linux's numbers.
enum TerminalRequest {
  static var getAttributes: UInt32 { 0x5401 }  // TCGETS
  static var setAttributes: UInt32 { 0x5402 }  // TCSETS
  static var setAttributesAfterOutput: UInt32 { 0x5403 }  // TCSETSW
  static var setAttributesDiscardingInput: UInt32 { 0x5404 }  // TCSETSF
  static var getShortAttributes: UInt32 { 0x5405 }  // TCGETA
  static var setShortAttributes: UInt32 { 0x5406 }
  static var setShortAttributesAfterOutput: UInt32 { 0x5407 }
  static var setShortAttributesDiscardingInput: UInt32 { 0x5408 }
  static var sendBreak: UInt32 { 0x5409 }  // TCSBRK
  static var controlFlow: UInt32 { 0x540A }  // TCXONC
  static var discard: UInt32 { 0x540B }  // TCFLSH
  static var makeExclusive: UInt32 { 0x540C }  // TIOCEXCL
  static var makeShared: UInt32 { 0x540D }  // TIOCNXCL
  static var acquire: UInt32 { 0x540E }  // TIOCSCTTY
  static var getForegroundGroup: UInt32 { 0x540F }  // TIOCGPGRP
  static var setForegroundGroup: UInt32 { 0x5410 }
  static var getOutputCount: UInt32 { 0x5411 }  // TIOCOUTQ
  static var simulateInput: UInt32 { 0x5412 }  // TIOCSTI
  static var getWindowSize: UInt32 { 0x5413 }
  static var setWindowSize: UInt32 { 0x5414 }
  static var getModemLines: UInt32 { 0x5415 }  // TIOCMGET
  static var getSoftCarrier: UInt32 { 0x5419 }  // TIOCGSOFTCAR
  static var setSoftCarrier: UInt32 { 0x541A }
  static var getInputCount: UInt32 { 0x541B }  // FIONREAD
  static var getSerialLine: UInt32 { 0x541E }  // TIOCGSERIAL
  static var setPacketMode: UInt32 { 0x5420 }  // TIOCPKT
  static var release: UInt32 { 0x5422 }  // TIOCNOTTY
  static var setDiscipline: UInt32 { 0x5423 }  // TIOCSETD
  static var getDiscipline: UInt32 { 0x5424 }
  static var sendLongBreak: UInt32 { 0x5425 }  // TCSBRKP
  static var startBreak: UInt32 { 0x5427 }  // TIOCSBRK
  static var endBreak: UInt32 { 0x5428 }
  static var getSession: UInt32 { 0x5429 }  // TIOCGSID
  static var getAttributesWithSpeeds: UInt32 { 0x802C_542A }  // TCGETS2
  static var setAttributesWithSpeeds: UInt32 { 0x402C_542B }
  static var setAttributesWithSpeedsAfterOutput: UInt32 { 0x402C_542C }
  static var setAttributesWithSpeedsDiscardingInput: UInt32 { 0x402C_542D }
  static var getPseudoTerminalNumber: UInt32 { 0x8004_5430 }  // TIOCGPTN
  static var setPseudoTerminalLock: UInt32 { 0x4004_5431 }  // TIOCSPTLCK
  static var getDevice: UInt32 { 0x8004_5432 }  // TIOCGDEV
  static var signalSlave: UInt32 { 0x4004_5436 }  // TIOCSIG
  static var hangUp: UInt32 { 0x5437 }  // TIOCVHANGUP
  static var getPacketMode: UInt32 { 0x8004_5438 }  // TIOCGPKT
  static var getPseudoTerminalLock: UInt32 { 0x8004_5439 }  // TIOCGPTLCK
  static var getExclusive: UInt32 { 0x8004_5440 }  // TIOCGEXCL
  static var getLocks: UInt32 { 0x5456 }  // TIOCGLCKTRMIOS
  static var setLocks: UInt32 { 0x5457 }
  static var openSlave: UInt32 { 0x5441 }  // TIOCGPTPEER
}
