import Core
import Machine

enum SignalFrame {
  static func push(
    _ information: SignalInformation, _ action: SignalAction, _ thread: ThreadPointer,
    _ frame: UnsafeMutablePointer<TrapFrame>
  ) -> Bool {
    false
  }
}
