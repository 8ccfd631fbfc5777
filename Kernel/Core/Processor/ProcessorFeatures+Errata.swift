extension ProcessorFeatures {
  /// Whether a restore can leave another thread's x87 exception pointers in place (CVE-2006-1056).
  ///
  /// AMD processors without XSaveErPtr write and load FIP, FDP and FOP only where an exception is pending in
  /// FSW (AMD APM volume 2, section 11.4.4). The kernel then has to overwrite them before such a restore.
  public var leaksFPUExceptionPointers: Bool {
    (vendor == .amd || vendor == .hygon) && !xSaveErPtr
  }

  /// Whether an FPU instruction runs speculatively on the previous thread's registers although CR0.TS is set
  /// (CVE-2018-3665, "LazyFP", Intel-SA-00145).
  ///
  /// On Intel's Core designs (family 6) the #NM is raised when the instruction retires, so that what it
  /// computed from the stale registers can be seen through a side channel. Not affected: other vendors, the
  /// Atom designs from Bonnell to Tremont and the Xeon Phi, whose models are listed here. A family 6 model
  /// that is not listed counts as affected, since a wrong "no" would hide a leak.
  public var speculatesPastDeviceNotAvailable: Bool {
    guard vendor == .intel, family == 6 else { return false }
    switch model {
    case 0x1C, 0x26, 0x27, 0x35, 0x36: return false  // Bonnell, Saltwell
    case 0x37, 0x4A, 0x4D, 0x5A, 0x5D, 0x4C, 0x75: return false  // Silvermont, Airmont
    case 0x5C, 0x5F, 0x7A: return false  // Goldmont, Goldmont Plus
    case 0x86, 0x96, 0x9C: return false  // Tremont
    case 0x57, 0x85: return false  // Knights Landing, Knights Mill
    default: return true
    }
  }

  /// Whether XSAVES may leave XMM registers unsaved (AMD erratum 1386).
  ///
  /// It concerns Zen and Zen 2 (AMD family 17h, Hygon family 18h) unless their microcode is recent. None of
  /// them has a supervisor component, so that XSAVEC does all that XSAVES would.
  public var savesIncompletelyWithXSAVES: Bool {
    vendor == .amd && family == 0x17 || vendor == .hygon && family == 0x18
  }
}
