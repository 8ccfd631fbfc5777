import Core
import Testing

@Suite struct StandardImageTests {
  /// Kernel area to user image to kernel area, for every set of components in XCR0, every set in XSTATE_BV,
  /// every instruction, over stale bytes, with MXCSR initial and changed.
  @Test func registersSurviveTheWayToUserModeAndBack() throws {
    var random = SeededGenerator(seed: 5)
    var cases = 0
    for configuration in FPUConfiguration.everyComponentSubset {
      let model = XRSTORModel(configuration)
      let user = XRSTORModel(
        features: configuration.features, xcr0: configuration.xcr0, mxcsrMask: configuration.mxcsrMask)
      for used in configuration.mask.subsets {
        for mxcsr in [UInt32(0x1F80), 0x9FC0] {
          var registers = ModelRegisters.random(
            configuration.features, configuration.mask, used: used, &random)
          registers.mxcsr = mxcsr
          var area = random.bytes(configuration.areaSize)
          if configuration.usesXSAVE { area.store([UInt8](repeating: 0, count: 64), 512) }
          model.save(registers, to: &area, configuration, inUse: used)

          var image = random.bytes(configuration.userSize)
          area.withUnsafeBytes { area in
            image.withUnsafeMutableBytes {
              configuration.toStandardFormat(source: area, into: $0, includePKRU: 0x5555_5554)
            }
          }
          // What a program sees when it reads the image without a look at XSTATE_BV.
          #expect([UInt8](image[0..<24]) == registers.environment)
          #expect([UInt8](image[32..<160]) == registers.stack)
          #expect([UInt8](image[160..<416]) == registers.xmm)
          #expect(image.load32(24) == mxcsr)
          #expect(image.load32(28) == configuration.mxcsrMask)
          for (number, bytes) in registers.extended {
            let start = Int(configuration.features.components[number].standardOffset)
            #expect([UInt8](image[start..<start + bytes.count]) == bytes)
          }
          // What the processor makes of it.
          var shown = ModelRegisters.random(
            configuration.features, configuration.xcr0, used: configuration.xcr0, &random)
          if configuration.usesXSAVE {
            try user.xrstor(image, into: &shown, mask: configuration.xcr0)
            let pkru = shown.extended.removeValue(forKey: 9)
            if configuration.userMask.contains(.pkru) { #expect(pkru?.load32Padded == 0x5555_5554) }
          } else {
            try user.fxrstor(image, into: &shown)
          }
          #expect(shown == registers)

          // And back, into an area with stale bytes.
          var returned = random.bytes(configuration.areaSize)
          let kind: UserImageKind = configuration.usesXSAVE ? .standard(configuration.userMask) : .legacy
          let pkru = try image.withUnsafeBytes { image in
            try returned.withUnsafeMutableBytes {
              try configuration.fromStandardFormat(image, kind: kind, into: $0)
            }
          }
          #expect(pkru == (configuration.userMask.contains(.pkru) ? 0x5555_5554 : nil))
          var final = ModelRegisters.random(
            configuration.features, configuration.mask, used: configuration.mask, &random)
          try model.restore(returned, into: &final, configuration)
          #expect(final == registers)
          cases += 1
        }
      }
    }
    #expect(cases > 1_000)
    print("user images: \(cases) round trips")
  }

  /// An image whose XSTATE_BV is a subset: the stale bytes behind clear bits must not come in.
  @Test func clearBitsOfAUserImageMeanTheInitialState() throws {
    var random = SeededGenerator(seed: 6)
    for configuration in FPUConfiguration.everyComponentSubset where configuration.usesXSAVE {
      let model = XRSTORModel(configuration)
      for present in configuration.userMask.subsets {
        var image = random.bytes(configuration.userSize)
        image.store(UInt64(0x9FC0), 24, 4)
        image.store([UInt8](repeating: 0, count: 64), 512)
        image.store(present.rawValue, 512, 8)
        var area = random.bytes(configuration.areaSize)
        let pkru = try image.withUnsafeBytes { image in
          try area.withUnsafeMutableBytes {
            try configuration.fromStandardFormat(image, kind: .standard(configuration.userMask), into: $0)
          }
        }
        // XRSTOR on the image itself is what the result must be like.
        var expected = ModelRegisters.initial(configuration.features, configuration.xcr0)
        try model.xrstor(image, into: &expected, mask: configuration.xcr0)
        let expectedPKRU = expected.extended.removeValue(forKey: 9)?.load32Padded
        var registers = ModelRegisters.random(
          configuration.features, configuration.mask, used: configuration.mask, &random)
        try model.restore(area, into: &registers, configuration)
        #expect(registers == expected)
        #expect(pkru == expectedPKRU)
      }
    }
  }

  @Test func legacyImageLeavesTheOtherComponentsInitial() throws {
    var random = SeededGenerator(seed: 7)
    for configuration in FPUConfiguration.everyComponentSubset {
      var image = random.bytes(512)
      image.store(UInt64(0x1FA0), 24, 4)
      var area = random.bytes(configuration.areaSize)
      let pkru = try image.withUnsafeBytes { image in
        try area.withUnsafeMutableBytes {
          try configuration.fromStandardFormat(image, kind: .legacy, into: $0)
        }
      }
      #expect(pkru == nil)
      var registers = ModelRegisters.random(
        configuration.features, configuration.mask, used: configuration.mask, &random)
      try XRSTORModel(configuration).restore(area, into: &registers, configuration)
      var expected = ModelRegisters.initial(configuration.features, configuration.mask)
      expected.environment = [UInt8](image[0..<24])
      expected.stack = [UInt8](image[32..<160])
      expected.xmm = [UInt8](image[160..<416])
      expected.mxcsr = 0x1FA0
      #expect(registers == expected)
    }
  }

  @Test func refusedImageLeavesTheAreaAsItWas() throws {
    let configuration = try #require(FPUConfiguration.make(.zen4, .xsaves))
    var image = [UInt8](repeating: 0, count: configuration.userSize)
    image.store(UInt64(1) << 63, 520, 8)
    var area = [UInt8](repeating: 0x5A, count: configuration.areaSize)
    #expect(throws: UserStateError.notStandardFormat) {
      try image.withUnsafeBytes { image in
        try area.withUnsafeMutableBytes {
          _ = try configuration.fromStandardFormat(
            image, kind: .standard(configuration.userMask), into: $0)
        }
      }
    }
    #expect(area.allSatisfy { $0 == 0x5A })
  }

  /// A part of the components only, as a signal frame states: the rest is initial although its bits are set.
  @Test func componentsThatTheFrameDoesNotNameAreInitial() throws {
    let configuration = try #require(FPUConfiguration.make(.cascadeLake, .xsavec))
    var random = SeededGenerator(seed: 8)
    var image = random.bytes(configuration.userSize)
    image.store(UInt64(0x1F80), 24, 4)
    image.store([UInt8](repeating: 0, count: 64), 512)
    image.store(configuration.userMask.rawValue, 512, 8)
    var area = random.bytes(configuration.areaSize)
    let pkru = try image.withUnsafeBytes { image in
      try area.withUnsafeMutableBytes {
        try configuration.fromStandardFormat(image, kind: .standard([.x87, .sse, .avx]), into: $0)
      }
    }
    #expect(pkru == nil)
    #expect(area.load64(512) == 0x7)
  }
}

extension [UInt8] {
  /// The first four bytes as an integer.
  var load32Padded: UInt32 { (0..<4).reduce(0) { $0 | UInt32(self[$1]) << UInt32(8 * $1) } }
}
