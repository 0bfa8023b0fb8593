import Designs
import Foundation
import Hypotheses
import Traces

/// The command lines that give a verdict again, and show what it rests on.
struct ClaimCommand {
  /// The folder of the bundled traces.
  let traces: URL
  let catalogue: DesignCatalogue
  let repeats: Int
  /// The words that run the same validation.
  let validate: [String]
  /// Options of it that every command takes.
  let shared: [String]

  /// Judges one claim as it was judged among all of them.
  func validate(_ claim: Claim) -> String {
    (validate.map(Self.quoted) + ["--only", claim.id]).joined(separator: " ")
  }

  /// Commands for a shell, in the order in which they are to be run; nil where there is nothing to
  /// look at but the claim.
  func inspect(_ claim: Claim) -> String? {
    guard let experiment = claim.experiment else { return nil }
    let measures = experiment.quantity.measures
    func alone(_ command: String) -> String {
      ([command] + shared.map(Self.quoted)).joined(separator: " ")
    }
    guard let workload = experiment.workload else { return alone("mallometer calibrate") }
    if case .scoreCaching = workload.origin { return alone("mallometer study score-caching") }
    let designs = experiment.designs.map { "--design \(Self.quoted($0.text))" }
    let prepare = generate(workload)
    let file = Self.quoted(file(workload))
    let options = Self.options(workload) + shared.map(Self.quoted)
    func run(_ command: String, _ rest: [String]) -> String {
      (prepare + [([command, file] + rest + options).joined(separator: " ")])
        .joined(separator: " && ")
    }
    // What was measured for the claim is shown, not measured anew.
    let measured = ["--repeats \(repeats)", "--builds \(ClaimBench.builds)"]
    // What says most about the claim comes first.
    for measure in measures {
      switch measure {
      case .shareOfGap where experiment.designs.count == 2:
        return run(
          "mallometer explain",
          [
            "--from \(Self.quoted(experiment.designs[0].text))",
            "--to \(Self.quoted(experiment.designs[1].text))",
          ] + measured)
      case .payoff(let side, let change):
        guard let before = experiment.design(side) else { continue }
        let after = before.design.flatMap { try? catalogue.apply(change, to: $0) }
        return run(
          "mallometer replay",
          [
            "--design \(Self.quoted(before.text))",
            "--design \(Self.quoted(after?.description ?? before.text))",
          ] + measured)
      case .cost, .shareOfTime:
        return run("mallometer simulate", designs) + " && " + alone("mallometer fit")
      case .scaling:
        let onOneThread = ["mallometer replay", file] + designs + measured + ["--threads one"]
        return run("mallometer replay", designs + measured) + " && "
          + alone(onOneThread.joined(separator: " "))
      default: break
      }
    }
    for measure in measures {
      switch measure {
      case .time, .gap, .pageFaults, .bytes(.peakResident, _):
        return run("mallometer replay", designs + measured)
      case .count where workload.threads == .recorded:
        return run("mallometer check", designs + ["--concurrent"])
      case .systemCalls where experiment.designs.contains(where: { $0.design == nil }):
        return nil
      case .count, .bytes, .systemCalls: return run("mallometer simulate", designs)
      default: break
      }
    }
    return run("mallometer info", [])
  }

  private func generate(_ workload: ClaimWorkload) -> [String] {
    guard case .recipe(let recipe, let parameters) = workload.origin else { return [] }
    return [
      (["mallometer generate", recipe] + parameters
        + ["--seed \(workload.seed)", "-o \(Self.fileName(workload))"]).joined(separator: " ")
    ]
  }

  private func file(_ workload: ClaimWorkload) -> String {
    if case .trace(let name) = workload.origin { return Self.path(ofTrace: name, in: traces) }
    return Self.fileName(workload)
  }

  /// A bundled trace's path, or that of another one as it was named.
  static func path(ofTrace name: String, in folder: URL) -> String {
    let bundled = folder.appendingPathComponent("\(name).mlt").path
    return FileManager.default.fileExists(atPath: bundled) ? bundled : name
  }

  /// What a recipe's trace is called: by the workload's name, or by what it is.
  static func fileName(_ workload: ClaimWorkload) -> String {
    if let name = workload.name { return "\(name).mlt" }
    guard case .recipe(let recipe, let parameters) = workload.origin else { return "workload.mlt" }
    let words = [recipe] + parameters.map { $0.replacing("=", with: "-") }
    return (words + ["seed-\(workload.seed)"]).joined(separator: "-") + ".mlt"
  }

  private static func options(_ workload: ClaimWorkload) -> [String] {
    var options: [String] = []
    if workload.touch != .auto { options.append("--touch \(workload.touch.rawValue)") }
    if workload.threads != .one { options.append("--threads \(workload.threads.rawValue)") }
    if workload.loops != 1 { options.append("--loops \(workload.loops)") }
    return options
  }

  /// As a shell takes it.
  private static func quoted(_ word: String) -> String {
    let plain = word.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_=,./:+".contains($0))
    }
    return plain ? word : "'\(word.replacing("'", with: "'\\''"))'"
  }
}
