extension ProgramPlace {
  /// As Benchmarks/program-payoffs found them, with what they were measured on in
  /// Documentation/predictions.md.
  static let calibration: [Program] = [
    Program(name: "bc", plain: (0.85, 0.05), locked: (0.78, 0.1)),
    Program(name: "cc1", kin: ["cc1plus"], plain: (1, 0.1), locked: (0.65, 0.13)),
    Program(name: "git", plain: (1.29, 0.26), locked: (0.14, 0.17)),
    Program(name: "jq", plain: (1.19, 0.12), locked: (0.2, 0.13)),
    Program(name: "make", plain: (1.22, 0.1), locked: (0.42, 0.1)),
    Program(name: "perl", plain: (1.28, 0.18), locked: (0.13, 0.13)),
    Program(name: "python3", plain: (1.28, 0.06), locked: (0.27, 0.05)),
    Program(name: "sqlite3", plain: (1.1, 0.12), locked: (0.06, 0.08)),
    Program(name: "vim", plain: (1.33, 0.14), locked: (-0.03, 0.24)),
  ]
}
