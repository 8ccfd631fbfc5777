import Core
import Machine
import System

/// The kernel's first Swift function, entered from `Boot/` on the first CPU in long mode.
///
/// - Parameter information: the physical address of the boot loader's information.
@c(kernelMain)
public func kernelMain(_ information: UInt64) {
  MainThread.start(SystemStart.bringUp(informationAt: information))
  SystemStart.runIdle()
}
