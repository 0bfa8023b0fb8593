extension ProgramPlace {
  /// As Benchmarks/program-payoffs found them, with what they were measured on in
  /// Documentation/predictions.md.
  static let calibration: [Program] = [
    Program(name: "bc", plain: (0.85, 0.05), locked: (0.86, 0.08)),
    Program(name: "cc1", kin: ["cc1plus"], plain: (1, 0.1), locked: (0.69, 0.15)),
    Program(name: "git", plain: (1.29, 0.26), locked: (0.64, 0.5)),
    Program(name: "jq", plain: (1.19, 0.12), locked: (0.04, 0.26)),
    Program(name: "make", plain: (1.22, 0.1), locked: (0.62, 0.2)),
    Program(name: "perl", plain: (1.28, 0.18), locked: (0.43, 0.31)),
    Program(name: "python3", plain: (1.28, 0.06), locked: (0.48, 0.21)),
    Program(name: "sqlite3", plain: (1.1, 0.12), locked: (0.41, 0.34)),
    Program(name: "vim", plain: (1.33, 0.14), locked: (0.16, 0.32)),
  ]
}
