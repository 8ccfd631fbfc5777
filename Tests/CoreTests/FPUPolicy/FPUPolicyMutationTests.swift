import Core
import Testing

@Suite struct FPUPolicyMutationTests {
  @Test(arguments: ContractRow.all)
  func everyRowOfTheContractIsNeeded(row: ContractRow) {
    switch Explorations.number(row.exploration).verdict(on: row.mutations) {
    case .unsafe(let trace):
      print("contract: \(row.row) -> \(trace)")
    case .breaksRow(let trace):
      print("contract: \(row.row) -> [cost only] \(trace)")
      #expect(!row.harmsData)
    case .redundant:
      Issue.record("without the line nothing goes wrong")
    }
  }

  /// Every effect that the policy has in any exploration, taken out one at a time.
  @Test(arguments: EventKind.allCases)
  func everyEffectIsNeeded(kind: EventKind) {
    let explorations = (0..<5).map(Explorations.number)
    let effects = explorations.reduce(into: Set<Mutation>()) { $0.formUnion($1.effects) }
      .filter { $0.kind == kind }.sorted { $0.description < $1.description }
    var redundant: [String] = []
    for effect in effects {
      switch Self.verdict(on: effect, in: explorations) {
      case .unsafe(let trace): print("taken out: \(effect) -> \(trace)")
      case .breaksRow(let trace): print("taken out: \(effect) -> [cost only] \(trace)")
      case .redundant:
        let reason = RedundantEffects.reasons[effect.description]
        print("taken out: \(effect) -> nothing: \(reason ?? "no reason is known")")
        redundant.append(effect.description)
      }
    }
    let prefix = "\(kind): "
    #expect(redundant == RedundantEffects.reasons.keys.filter { $0.hasPrefix(prefix) }.sorted())
  }

  /// The worst that any exploration finds.
  private static func verdict(on effect: Mutation, in explorations: [Exploration]) -> Verdict {
    var worst = Verdict.redundant
    for exploration in explorations where exploration.effects.contains(effect) {
      switch exploration.verdict(on: [effect]) {
      case .unsafe(let trace): return .unsafe(trace)
      case .breaksRow(let trace):
        worst = .breaksRow(trace)
        if effect.onlyCounts { return worst }
      case .redundant: break
      }
    }
    return worst
  }
}
