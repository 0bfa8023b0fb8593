extension ProgramPlace {
  /// What Benchmarks/program-place found, with what it was measured on in
  /// Documentation/predictions.md.
  static let calibration: [Program] = [
    Program(name: "cc1", plain: (1.17, 0.19), locked: (0.62, 0.29)),
    Program(name: "git", plain: (1.39, 0.1), locked: (1.04, 0.15)),
    Program(name: "jq", plain: (1.95, 0.18), locked: (1.11, 0.27)),
    Program(name: "perl", plain: (1.37, 0.09), locked: (0.67, 0.14)),
    Program(name: "python3", plain: (1.75, 0.07), locked: (0.77, 0.1)),
    Program(name: "sqlite3", plain: (1.26, 0.12), locked: (0.34, 0.18)),
  ]
}
