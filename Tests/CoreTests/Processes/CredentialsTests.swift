@testable import Core
import Testing

@Suite struct CredentialsTests {
  private func ordinary(_ identifier: UInt32) -> Credentials {
    var credentials = Credentials()
    let isDone = credentials.setgid(identifier) && credentials.setuid(identifier)
    #expect(isDone)
    return credentials
  }

  @Test func rootThatBecomesAnotherUserLosesItsCapabilities() {
    let credentials = ordinary(1000)
    #expect(credentials.user == Credentials.Identifiers(all: 1000))
    #expect(credentials.permitted.isEmpty)
    #expect(credentials.effective.isEmpty)
  }

  @Test func keepsCapabilitiesKeepsThePermittedOnes() {
    var credentials = Credentials()
    let isDone = credentials.setKeepsCapabilities(true) && credentials.setuid(1000)
    #expect(isDone)
    #expect(credentials.ambient.isEmpty)
    #expect(credentials.permitted == .all)
    #expect(credentials.effective.isEmpty)
  }

  @Test func secureBitsStayAsTheyAreLocked() {
    var credentials = Credentials()
    let isLocked = credentials.setSecureBits(0x2F)
    #expect(isLocked)
    for value: UInt64 in [0x2E, 0x0F, 0x100] {
      let isChanged = credentials.setSecureBits(value)
      #expect(!isChanged)
    }
    let isKept = credentials.setKeepsCapabilities(true)
    #expect(!isKept)
    let isSet = credentials.setuid(1000)
    #expect(isSet)
    #expect(credentials.effective == .all)
  }

  @Test func fileSystemUserTakesTheCapabilitiesForFilesAlong() {
    var credentials = Credentials()
    credentials.setfsuid(1000)
    #expect(credentials.effective == Capabilities.all.subtracting(.ofFileSystem))
    credentials.setfsuid(0)
    #expect(credentials.effective == .all)
  }

  @Test func processIsGuardedAfterAnyChangeOfWhoItIsForFiles() {
    let old = Credentials()
    var new = old
    #expect(!new.isGuarded(after: old))
    let isDone = new.setresgid(real: 5, effective: Credentials.unchanged, saved: 7)
    #expect(isDone && !new.isGuarded(after: old))
    new.setfsgid(7)
    #expect(new.isGuarded(after: old))
  }

  @Test func effectiveUserComesAndGoesWithItsCapabilities() {
    var credentials = Credentials()
    let isLeft = credentials.setresuid(real: Credentials.unchanged, effective: 1000, saved: Credentials.unchanged)
    #expect(isLeft)
    #expect(credentials.effective.isEmpty)
    #expect(credentials.permitted == .all)
    let isBack = credentials.setuid(0)
    #expect(isBack)
    #expect(credentials.effective == .all)
    #expect(credentials.user == Credentials.Identifiers(all: 0))
  }

  @Test func ordinaryUserCannotBecomeAnother() {
    var credentials = ordinary(1000)
    let before = credentials
    var isDone = credentials.setuid(0)
    #expect(!isDone)
    isDone = credentials.setreuid(real: 1000, effective: 0)
    #expect(!isDone)
    isDone = credentials.setresuid(real: 1000, effective: 1000, saved: 7)
    #expect(!isDone)
    isDone = credentials.setgid(7)
    #expect(!isDone)
    credentials.setfsuid(0)
    #expect(credentials == before)
    isDone = credentials.setresuid(real: 1000, effective: 1000, saved: 1000)
    #expect(isDone)
  }

  @Test func setreuidSavesTheEffectiveUserOnlyWhereItDiffersFromTheReal() {
    var credentials = Credentials()
    var isDone = credentials.setresuid(real: 1, effective: 2, saved: 3)
    #expect(isDone)
    isDone = credentials.setreuid(real: Credentials.unchanged, effective: 1)
    #expect(isDone)
    #expect(credentials.user.saved == 3)
    isDone = credentials.setreuid(real: Credentials.unchanged, effective: 3)
    #expect(isDone)
    #expect(credentials.user.saved == 3)
    #expect(credentials.user.fileSystem == 3)
    isDone = credentials.setreuid(real: 3, effective: Credentials.unchanged)
    #expect(isDone)
    #expect(credentials.user.real == 3)
  }

  @Test func capsetOnlyTakesAway() {
    var credentials = Credentials()
    var isDone = credentials.setCapabilities(effective: [.kill], permitted: [.kill, .setTime], inheritable: [])
    #expect(isDone)
    isDone = credentials.setCapabilities(effective: [.kill], permitted: [.kill, .reboot], inheritable: [])
    #expect(!isDone)
    isDone = credentials.setCapabilities(effective: [.setTime], permitted: [.kill], inheritable: [])
    #expect(!isDone)
    #expect(credentials.effective == [.kill])
  }

  @Test func execveGivesRootItsCapabilitiesBack() {
    var credentials = Credentials()
    let isDone = credentials.setCapabilities(effective: [], permitted: [], inheritable: [])
    #expect(isDone)
    credentials.startProgram()
    #expect(credentials.effective == .all)
    var user = ordinary(1000)
    user.startProgram()
    #expect(user.permitted.isEmpty)
  }
}

@Suite struct ResourceLimitsTests {
  private func refusal(
    _ limits: inout ResourceLimits, _ resource: Resource, _ soft: UInt64, _ hard: UInt64, isPrivileged: Bool
  ) -> ResourceLimits.Refusal? {
    do throws(ResourceLimits.Refusal) {
      try limits.set(resource, to: ResourceLimit(soft: soft, hard: hard), isPrivileged: isPrivileged)
      return nil
    } catch {
      return error
    }
  }

  @Test func softLimitStaysBelowTheHardOne() {
    var limits = ResourceLimits()
    #expect(refusal(&limits, .stack, 10, 9, isPrivileged: true) == .invalid)
    #expect(refusal(&limits, .stack, 9, 10, isPrivileged: false) == nil)
    #expect(limits[.stack] == ResourceLimit(soft: 9, hard: 10))
  }

  @Test func hardLimitIsRaisedByThePrivilegedAlone() {
    var limits = ResourceLimits()
    #expect(refusal(&limits, .openFiles, 1, 8192, isPrivileged: false) == .notPermitted)
    #expect(refusal(&limits, .openFiles, 1, 8192, isPrivileged: true) == nil)
    #expect(refusal(&limits, .openFiles, 1, .max, isPrivileged: true) == .notPermitted)
  }
}
