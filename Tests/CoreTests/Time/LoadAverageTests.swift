@testable import Core
import Testing

@Suite struct LoadAverageTests {
  @Test func constantLoadIsReachedAndFadesAway() {
    var load = LoadAverage()
    load.add(active: 3)
    #expect(load.values[0] > load.values[1] && load.values[1] > load.values[2] && load.values[2] > 0)
    // An hour.
    for _ in 0..<720 { load.add(active: 3) }
    #expect(load.values[0] == 3 << LoadAverage.fractionBits)
    #expect(load.values[1] == 3 << LoadAverage.fractionBits)
    for _ in 0..<720 { load.add(active: 0) }
    #expect(load.values[0] == 0)
    #expect(load.values[2] < 1 << (LoadAverage.fractionBits - 3))
  }
}
