import Core
import Testing

@Suite struct UserStateValidationTests {
  static let configurations: [FPUConfiguration] = {
    let records: [CPUIDRecord] = [.nehalem, .haswell, .zen1, .cascadeLake, .zen4, .zen5]
    return records.flatMap { record in
      SaveInstruction.allCases.compactMap { FPUConfiguration.make(record, $0, mxcsrMaskField: 0) }
    }
  }()

  /// A good image with every component in it.
  static func image(_ configuration: FPUConfiguration, _ random: inout SeededGenerator) -> [UInt8] {
    var image = random.bytes(configuration.userSize)
    image.store(UInt64(0x1F80), 24, 4)
    if configuration.usesXSAVE {
      image.store([UInt8](repeating: 0, count: 64), 512)
      image.store(configuration.userMask.rawValue, 512, 8)
    }
    return image
  }

  static func kind(_ configuration: FPUConfiguration) -> UserImageKind {
    configuration.usesXSAVE ? .standard(configuration.userMask) : .legacy
  }

  /// What validation says of the first `count` bytes of an image.
  func error(
    _ image: [UInt8], _ kind: UserImageKind, _ configuration: FPUConfiguration, count: Int? = nil
  ) -> UserStateError? {
    image.withUnsafeBytes { whole in
      let bytes = UnsafeRawBufferPointer(rebasing: whole[..<(count ?? whole.count)])
      do throws(UserStateError) {
        _ = try UserStateValidation.validate(bytes, kind: kind, configuration: configuration)
        return nil
      } catch {
        return error
      }
    }
  }

  @Test func goodImagesAreAccepted() {
    var random = SeededGenerator(seed: 9)
    for configuration in Self.configurations {
      #expect(error(Self.image(configuration, &random), Self.kind(configuration), configuration) == nil)
      #expect(error(Self.image(configuration, &random), .legacy, configuration) == nil)
    }
  }

  /// Every value of every byte of the header.
  @Test func everyCorruptedHeaderByteIsRefusedByName() {
    var random = SeededGenerator(seed: 10)
    for configuration in Self.configurations where configuration.usesXSAVE {
      let kind = Self.kind(configuration)
      var image = Self.image(configuration, &random)
      for offset in 512..<576 {
        let original = image[offset]
        for value in UInt8.min...UInt8.max where value != original {
          image[offset] = value
          let expected: UserStateError?
          switch offset {
          case 512..<520:
            let forbidden = image.load64(512) & ~configuration.userMask.rawValue
            expected = forbidden == 0 ? nil : .componentNotPermitted
          case 520..<528: expected = .notStandardFormat
          default: expected = .reservedHeaderBytes
          }
          let found = error(image, kind, configuration)
          // Not #expect for each: there are hundreds of thousands.
          if found != expected {
            Issue.record("byte \(offset), value \(value): \(String(describing: found))")
          }
        }
        image[offset] = original
      }
    }
  }

  /// Every bit of MXCSR, in both kinds of image, with DAZ (bit 6) not supported.
  @Test func reservedBitsOfMXCSRAreRefused() {
    var random = SeededGenerator(seed: 11)
    for configuration in Self.configurations {
      for bit in 0..<32 {
        var image = Self.image(configuration, &random)
        image.store(UInt64(1) << UInt64(bit), 24, 4)
        let expected: UserStateError? = 0xFFBF >> bit & 1 == 1 ? nil : .reservedMXCSRBits
        #expect(error(image, Self.kind(configuration), configuration) == expected)
        #expect(error(image, .legacy, configuration) == expected)
        // Linux looks at it where the image has x87, SSE or AVX, and takes it from no other.
        if configuration.usesXSAVE {
          for component in 0..<3 where configuration.userMask.rawValue >> component & 1 == 1 {
            image.store(UInt64(1) << UInt64(component), 512, 8)
            #expect(error(image, Self.kind(configuration), configuration) == expected)
          }
          image.store(0, 512, 8)
          #expect(error(image, Self.kind(configuration), configuration) == nil)
        }
      }
    }
  }

  @Test func everyTruncationIsRefused() {
    var random = SeededGenerator(seed: 12)
    for configuration in Self.configurations {
      let image = Self.image(configuration, &random)
      for count in 0..<image.count {
        let found = error(image, Self.kind(configuration), configuration, count: count)
        if found != .tooShort { Issue.record("\(count) bytes: \(String(describing: found))") }
        if count < 512 { #expect(error(image, .legacy, configuration, count: count) == .tooShort) }
      }
    }
  }

  @Test func shorterImageIsEnoughForFewerComponents() throws {
    let configuration = try #require(FPUConfiguration.make(.cascadeLake, .xsave))
    var random = SeededGenerator(seed: 13)
    var image = Self.image(configuration, &random)
    image.store(0x7, 512, 8)
    #expect(error([UInt8](image[..<832]), Self.kind(configuration), configuration) == nil)
    #expect(error([UInt8](image[..<831]), Self.kind(configuration), configuration) == .tooShort)
  }

  /// Whatever is accepted, XRSTOR takes: on the image itself, and on the kernel area made from it.
  @Test func acceptedImagesNeverFaultInXRSTOR() throws {
    var random = SeededGenerator(seed: 14)
    var accepted = 0
    var refused = 0
    for configuration in Self.configurations {
      let model = XRSTORModel(configuration)
      for round in 0..<1_000 {
        var image = Self.image(configuration, &random)
        // A few mutations, most of them where they matter.
        for _ in 0..<(1 + random.next() % 3) {
          let regions = [24..<32, 464..<512, 512..<520, 520..<576, 0..<image.count]
          let region = regions[Int(random.next() % 5)].clamped(to: 0..<image.count)
          if region.isEmpty { continue }
          let offset = region.lowerBound + Int(random.next() % UInt64(region.count))
          image[offset] = random.next() & 1 == 0 ? 0 : UInt8(truncatingIfNeeded: random.next())
        }
        if round % 7 == 0 { image.removeLast(Int(random.next() % UInt64(image.count))) }
        let kind: UserImageKind =
          switch random.next() % 4 {
          case 0: .legacy
          case 1: .standard(StateComponentMask(rawValue: random.next()))
          default: .standard(configuration.userMask)
          }
        guard error(image, kind, configuration) == nil else {
          refused += 1
          continue
        }
        accepted += 1
        var area = random.bytes(configuration.areaSize)
        try image.withUnsafeBytes { image in
          try area.withUnsafeMutableBytes {
            _ = try configuration.fromStandardFormat(image, kind: kind, into: $0)
          }
        }
        var registers = ModelRegisters.initial(configuration.features, configuration.xcr0)
        #expect(throws: Never.self) { try model.restore(area, into: &registers, configuration) }
        if case .standard(let wanted) = kind, configuration.usesXSAVE {
          let padded = image + [UInt8](repeating: 0, count: configuration.userSize - image.count)
          // From an image with none of the three MXCSR is not taken, but XRSTOR would look at it.
          if padded[512] & 7 != 0 {
            #expect(throws: Never.self) { try model.xrstor(padded, into: &registers, mask: wanted) }
          }
        } else {
          #expect(throws: Never.self) { try model.fxrstor(image, into: &registers) }
        }
      }
    }
    #expect(accepted > 1_000 && refused > 1_000)
    print("user images: \(accepted) accepted, \(refused) refused")
  }

  /// The model raises #GP for what validation refuses, so that the test above means something.
  @Test func theModelFaultsOnEachBadHeader() throws {
    let configuration = try #require(FPUConfiguration.make(.zen4, .xsave))
    let model = XRSTORModel(configuration)
    var random = SeededGenerator(seed: 15)
    func fault(_ change: (inout [UInt8]) -> Void) -> XRSTORModel.GeneralProtection? {
      var image = Self.image(configuration, &random)
      change(&image)
      var registers = ModelRegisters.initial(configuration.features, configuration.xcr0)
      do throws(XRSTORModel.GeneralProtection) {
        try model.xrstor(image, into: &registers, mask: configuration.xcr0)
        return nil
      } catch {
        return error
      }
    }
    #expect(fault { _ in } == nil)
    #expect(fault { $0[514] = 1 } == .componentNotInXCR0)
    #expect(fault { $0[520] = 1 } == .standardHeaderNotZero)
    #expect(fault { $0[26] = 1 } == .mxcsr)
    #expect(fault { $0[527] = 0x80 } == .notInXCOMPBV)
  }
}
