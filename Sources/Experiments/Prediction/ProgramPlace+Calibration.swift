extension ProgramPlace {
  /// Plain steps as Benchmarks/program-payoffs found them, locked ones as Benchmarks/program-place
  /// did, with what they were measured on in Documentation/predictions.md.
  static let calibration: [Program] = [
    Program(name: "bc", plain: (0.85, 0.05), locked: (0.62, 0.32)),
    Program(name: "cc1", kin: ["cc1plus"], plain: (1, 0.1), locked: (0.62, 0.29)),
    Program(name: "git", plain: (1.29, 0.26), locked: (1.04, 0.15)),
    Program(name: "jq", plain: (1.19, 0.12), locked: (1.11, 0.27)),
    Program(name: "make", plain: (1.22, 0.1), locked: (1.38, 0.86)),
    Program(name: "perl", plain: (1.28, 0.18), locked: (0.67, 0.14)),
    Program(name: "python3", plain: (1.28, 0.06), locked: (0.77, 0.1)),
    Program(name: "sqlite3", plain: (1.1, 0.12), locked: (0.34, 0.18)),
    Program(name: "vim", plain: (1.33, 0.14), locked: (0.74, 0.31)),
  ]
}
