import Costs
import Designs
import Foundation
import Platform

extension FitExperiment {
  /// Runs, and a planner that knows which are left.
  public struct Gathered {
    public let runs: [Run]
    public let coreGHz: Double
    /// Runs that had to come from further sessions.
    public let otherSessions: [OtherSession]
    /// All runs that there could be, by the beginnings of their traces; empty where nobody asks.
    let possible: [ExperimentPlanner.Candidate]
    /// To which the runs' times were brought.
    let speed: MachineSpeed
    let fitOptions: FitOptions

    /// The run that would narrow the widest interval: of the costs that any run would narrow, those
    /// that are only assumed not excepted.
    func next(_ fit: CostFit) throws(CostsError) -> NextRun? {
      let key = { (run: Run) in "\(run.trace) \(run.design)" }
      let times = Dictionary(
        runs.map { (key($0), $0.meanNanoseconds) }, uniquingKeysWith: { first, _ in first })
      // What a run takes is the scale of its errors: measured, or else as the fit predicts it.
      let candidates = try possible.map { candidate throws(CostsError) in
        let run = candidate.run
        return ExperimentPlanner.Candidate(
          run: try run.lasting(
            max(times[key(run)] ?? run.predictedMean(fit.model.costs), Self.leastNanoseconds)),
          seconds: candidate.seconds)
      }
      let planner = ExperimentPlanner(
        candidates,
        measured: Set(candidates.indices.filter { times[key(candidates[$0].run)] != nil }),
        options: fitOptions)
      let widest = fit.table.lines.filter { $0.ns != nil }.sorted {
        Self.width($0) > Self.width($1)
      }
      for line in widest {
        guard let step = Step(name: line.step),
          let found = planner.narrowing(column: Int(step.rawValue)), found.share > Self.leastShare
        else { continue }
        let run = candidates[found.index].run
        return NextRun(
          trace: run.trace, design: run.design.description, step: line.step, share: found.share)
      }
      return nil
    }

    private static let leastNanoseconds = 1.0
    /// Of an interval's width: what narrows by less isn't worth a run.
    private static let leastShare = 0.01

    /// Relative to the cost, but for costs under a nanosecond.
    private static func width(_ line: CostTable.Line) -> Double {
      guard let ns = line.ns, let low = ns.low, let high = ns.high else { return .infinity }
      return (high - low) / max(ns.value, 1)
    }
  }

  /// As many pairs of trace and design measured, and counted whole, as the budget allows.
  ///
  /// What to measure is settled before anything is: the families as they come on every trace, then
  /// what tells most about the costs per second. What a run would tell is judged by the beginning
  /// of its trace; only what is chosen is counted to its end, by all processors, before anything is
  /// replayed. All designs of a trace are then replayed in turns in one campaign, because the
  /// machine drifts: designs measured minutes apart differ by more than their toggles. Where the
  /// notebook has them from several sessions, each is taken less the null allocator of its own, and
  /// the smaller sessions are scaled to the largest. Traces are brought to one speed of the machine.
  /// - Parameters:
  ///   - usual: the speed of the machine that times are brought to; nil for these traces' own.
  ///   - namesNext: whether the planner is wanted even when the budget leaves nothing to choose.
  func gather(
    _ samples: [Laboratory.Sample], at usual: MachineSpeed? = nil, namesNext: Bool = false
  ) throws -> Gathered {
    let samples = Self.distinct(samples)
    let plan = try plan(samples, namesNext: namesNext)
    let chosen = plan.chosen.map { (sample: samples[$0.sample], design: designs[$0.design]) }
    try laboratory.compile(designs.filter { design in chosen.contains { $0.design == design } })
    let counted = try laboratory.count(chosen)
    var measured: [(sample: Int, times: DesignTimes, position: Int)?] = counted.map { _ in nil }
    var speeds = [SessionSpeed?](repeating: nil, count: samples.count)
    var clocks: [Double] = []
    var otherSessions: [OtherSession] = []
    let campaigns = try samples.indices.map { sample in
      let mine = plan.chosen.indices.filter { plan.chosen[$0].sample == sample }
      let designs = mine.map { chosen[$0].design }
      return (
        mine: mine, designs: designs,
        parts: try laboratory.sessionParts(samples[sample], designs, repeats: repeats)
      )
    }
    // In every session the null allocator is replayed besides.
    let replayed = campaigns.flatMap(\.parts).reduce(0) {
      $0 + $1.members.count + $1.bridges.count + 1
    }
    laboratory.stage("replaying", repeats * replayed)
    for (index, campaign) in campaigns.enumerated() {
      let times = try laboratory.measure(
        campaign.parts, of: campaign.designs, on: samples[index], repeats: repeats)
      speeds[index] = times.speed
      clocks += times.clocks
      otherSessions += times.otherSessions
      for (position, run) in campaign.mine.enumerated() {
        measured[run] = (index, times, position)
      }
    }
    let own = MachineSpeed(speeds.compactMap { $0 })
    if let notice = own.notice { laboratory.notice(notice) }
    let speed = usual ?? own
    let runs = try zip(counted, measured).compactMap { counted, measured -> Run? in
      guard let (sample, times, position) = measured else { return nil }
      let factor = speeds[sample].map(speed.factor) ?? 1
      return try counted.timed(
        (times.windowNanoseconds[position] ?? []).map { $0 * Float(factor) },
        standardError: times.standardErrors[position].map { $0 * factor },
        nullStandardError: times.nullStandardErrors[position].map { $0 * factor },
        session: times.sessions[position] ?? 0)
    }
    return Gathered(
      runs: runs,
      coreGHz: clocks.sorted().dropFirst(clocks.count / 2).first ?? 0,
      otherSessions: otherSessions, possible: plan.possible, speed: speed,
      fitOptions: fitOptions)
  }
}
