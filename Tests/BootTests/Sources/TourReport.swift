/// One row of what the tour reports: the numbers of one strategy.
struct TourReport: Decodable {
  var strategy: String
  var save: String
  var cpus: Int
  var threads: Int
  var switches: Int
  var migrations: Int
  var saves: Int
  var restores: Int
  var restoresSkipped: Int
  var notAvailableTraps: Int
  var kernelSections: Int
  var mismatches: Int

  /// What in these numbers cannot be true of a kernel that keeps its contract, in words.
  var contradictions: [String] {
    var list: [String] = []
    func require(_ holds: Bool, _ words: String) {
      if !holds { list.append("\(strategy): \(words)") }
    }
    require(mismatches == 0, "\(mismatches) registers held another thread's values")
    require(threads > cpus, "\(threads) threads on \(cpus) CPUs never compete for one")
    require(switches > threads, "\(switches) switches do not reach each of \(threads) threads twice")
    require(cpus == 1 ? migrations == 0 : migrations > 0, "\(migrations) migrations on \(cpus) CPUs")
    require(migrations <= switches, "\(migrations) migrations take more than \(switches) switches")
    require(restores > 0, "nothing was restored, so nothing was tested")
    require(restoresSkipped > 0, "no restore was skipped, though some thread came back to its own registers")
    // Each state that is saved was live: it was loaded, or kept, since the switch before, or since a kernel
    // section that took the registers in between.
    require(
      saves <= restores + restoresSkipped + kernelSections + threads,
      "\(saves) saves are more than the states that were live")
    require(kernelSections > 0, "no kernel SIMD section ran in between")
    switch strategy {
    case "lazy": require(notAvailableTraps > 0, "no #NM, by which lazy loads")
    default: require(notAvailableTraps == 0, "\(notAvailableTraps) #NM, though only lazy sets CR0.TS")
    }
    return list
  }
}
