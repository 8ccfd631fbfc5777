import Testing

@testable import Core

@Suite struct DebuggerImageTests {
  private static let configurations = [SaveInstruction.xsave, .xsaveopt, .xsavec, .xsaves].compactMap {
    FPUConfiguration.make(.haswell, $0)
  }

  private func image(_ configuration: FPUConfiguration) -> UnsafeMutableRawBufferPointer {
    let area = UnsafeMutableRawBufferPointer.allocate(byteCount: configuration.areaSize, alignment: 64)
    defer { area.deallocate() }
    InitialState.write(into: area, configuration: configuration)
    let image = UnsafeMutableRawBufferPointer.allocate(byteCount: configuration.userSize, alignment: 64)
    configuration.toStandardFormat(source: UnsafeRawBufferPointer(area), into: image, includePKRU: nil)
    return image
  }

  @Test func imageSaysWhichComponentsItHasRoomFor() {
    for configuration in Self.configurations {
      let image = image(configuration)
      defer { image.deallocate() }
      configuration.describe(image)
      #expect(image.loadUnaligned(fromByteOffset: 464, as: UInt64.self) == configuration.userMask.rawValue)
    }
  }

  @Test func legacyRegionLeavesTheOtherComponentsAlone() throws {
    for configuration in Self.configurations {
      let image = image(configuration)
      defer { image.deallocate() }
      let upper = try #require(configuration.userLayout.range(ofComponentNumbered: 2))
      for index in upper { image[index] = 0x77 }
      image.set(UInt64(4), at: 512)
      let legacy = [UInt8](repeating: 0x11, count: 512)
      legacy.withUnsafeBytes { configuration.replaceLegacyRegion(of: image, with: $0) }
      #expect(image[160] == 0x11 && image[415] == 0x11)
      // The mask is the CPU's, and what no instruction touches is not the debugger's.
      #expect(image.loadUnaligned(fromByteOffset: 28, as: UInt32.self) == configuration.mxcsrMask)
      #expect(image[464] == 0)
      #expect(image.loadUnaligned(fromByteOffset: 512, as: UInt64.self) == 7)
      #expect(upper.allSatisfy { image[$0] == 0x77 })
    }
  }

  @Test func mxcsrCountsWhereAComponentUsesIt() throws {
    let configuration = try #require(Self.configurations.first)
    for (present, isKept) in [(UInt64(0), false), (1, true), (2, true), (4, true), (0x200, false)] {
      let image = image(configuration)
      defer { image.deallocate() }
      image.set(present, at: 512)
      image.set(UInt32.max, at: 24)
      configuration.passOverUnusedMXCSR(image)
      #expect(image.loadUnaligned(fromByteOffset: 24, as: UInt32.self) == (isKept ? .max : 0x1F80))
    }
  }
}
