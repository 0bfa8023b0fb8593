import Notebook

/// An allocator that takes part in a session by one build or by several in turn.
struct BuildAttendance: Equatable {
  /// In the order in which they take turns; each measurement in the notebook is of one of them.
  var builds: [MeasurementSession.Participant]

  /// All builds as one participant.
  var whole: MeasurementSession.Participant {
    var whole = builds[0]
    whole.build = builds.map(\.build).joined(separator: ", ")
    return whole
  }

  /// The second half of an A/A pair.
  var twin: BuildAttendance {
    BuildAttendance(
      builds: builds.map {
        var twin = $0
        twin.kind = .twin
        return twin
      })
  }

  func participant(inRound round: Int) -> MeasurementSession.Participant {
    builds[round % builds.count]
  }

  /// The rounds of a session in which the build took part whose turn it was.
  func rounds(in session: MeasurementSession) -> Set<Int> {
    var rounds: Set<Int> = []
    for (turn, build) in builds.enumerated() {
      for round in session.rounds[build] ?? [] where round % builds.count == turn {
        rounds.insert(round)
      }
    }
    return rounds
  }
}
