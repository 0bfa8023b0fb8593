// swift-tools-version: 6.2
import PackageDescription

/// Own Swift targets: Swift 6 mode, warnings are errors.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]

/// What hot loops need besides: no overlap checks; every access goes through checked entry points.
let hot: [SwiftSetting] = strict + [.unsafeFlags(["-enforce-exclusivity=unchecked"])]

/// C that is loaded into other people's processes: libc only, no sanitizer, no coverage. Debian's
/// valgrind stops at the newer debug information that this compiler writes by itself.
let preloadedC: [CSetting] = [
  .define("_GNU_SOURCE"),
  .unsafeFlags([
    "-O2", "-Wall", "-Wextra", "-Werror", "-fno-builtin", "-fvisibility=hidden",
    "-ftls-model=initial-exec", "-fno-sanitize=all", "-fno-profile-instr-generate",
    "-fno-coverage-mapping", "-gdwarf-4",
  ]),
]

/// C whose time is taken off what is measured: frame pointers are a twentieth of it. The package
/// manager's own flag for them comes last and would win over the driver's.
let timedC: [CSetting] = preloadedC + [.unsafeFlags(["-Xclang", "-mframe-pointer=none"])]

/// Without this a C-only product links the Swift runtime and with it a dozen extra mallocs.
let withoutSwiftRuntime: [LinkerSetting] = [
  .unsafeFlags(["-enable-experimental-feature", "Embedded"])
]

let package = Package(
  name: "mallometer",
  products: [
    .executable(name: "mallometer", targets: ["mallometer"]),
    .executable(name: "mallometer-player", targets: ["Player"]),
    .library(name: "MallometerRecorder", type: .dynamic, targets: ["Recorder"]),
    .library(name: "MallometerNull", type: .dynamic, targets: ["NullAllocator"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    .systemLibrary(name: "CGSL", pkgConfig: "gsl", providers: [.apt(["libgsl-dev"])]),
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev"])]),
    .target(name: "CTraceFormat"),
    .target(name: "CRecording", cSettings: [.define("_GNU_SOURCE")]),
    .target(name: "CPlayerFormat"),
    .target(
      name: "CPlatform", dependencies: ["CPlayerFormat"], cSettings: [.define("_GNU_SOURCE")]),
    .target(
      name: "Recorder", dependencies: ["CTraceFormat"], cSettings: preloadedC,
      linkerSettings: withoutSwiftRuntime),
    .executableTarget(
      name: "Player", dependencies: ["CPlayerFormat"], cSettings: timedC,
      linkerSettings: withoutSwiftRuntime),
    .target(
      name: "NullAllocator", cSettings: timedC, linkerSettings: withoutSwiftRuntime),
    .target(name: "Platform", dependencies: ["CPlatform"], swiftSettings: strict),
    .target(
      name: "Traces", dependencies: ["Platform", "CPlatform", "CZstd"], swiftSettings: hot),
    .target(
      name: "Recording",
      dependencies: ["Platform", "CPlatform", "Traces", "CTraceFormat", "CRecording"],
      swiftSettings: hot),
    .target(
      name: "Designs", dependencies: ["Platform", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .target(
      name: "Models", dependencies: ["Platform", "CPlatform", "Traces", "Designs"],
      swiftSettings: hot),
    .target(
      name: "NativeDesigns", dependencies: ["Platform", "Designs"], exclude: ["C"],
      swiftSettings: strict),
    .target(
      name: "Replay",
      dependencies: [
        "Platform", "Traces", "Designs", "Models", "NativeDesigns", "CPlayerFormat",
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ], swiftSettings: hot),
    .target(
      name: "Costs", dependencies: ["Platform", "Designs", "CGSL"], swiftSettings: strict),
    .target(
      name: "Notebook",
      dependencies: ["Platform", "Designs", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: strict),
    .target(
      name: "Experiments",
      dependencies: [
        "Platform", "Traces", "Designs", "Models", "NativeDesigns", "Replay", "Costs", "Notebook",
        "Hypotheses",
      ], swiftSettings: strict),
    .target(
      name: "Hypotheses", dependencies: ["Platform", "Traces", "Designs"], swiftSettings: strict),
    .target(name: "Reports", dependencies: ["Platform"], swiftSettings: strict),
    .executableTarget(
      name: "mallometer",
      dependencies: [
        "Platform", "Traces", "Recording", "Designs", "Models", "NativeDesigns", "Replay",
        "Costs", "Notebook", "Experiments", "Hypotheses", "Reports",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    .target(
      name: "TestSupport",
      dependencies: ["Platform", "Traces", "Designs", "Models", "NativeDesigns", "Replay"],
      path: "Tests/TestSupport", swiftSettings: strict),
    .testTarget(
      name: "PlatformTests", dependencies: ["Platform"], swiftSettings: strict),
    .testTarget(
      name: "TracesTests", dependencies: ["Traces", "Models", "Replay", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests",
      dependencies: ["Platform", "Designs", "mallometer", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "NotebookTests", dependencies: ["Notebook", "Platform"], swiftSettings: strict),
    .testTarget(
      name: "ExperimentsTests",
      dependencies: [
        "Experiments", "Costs", "Hypotheses", "Notebook", "Replay", "Designs", "Models",
        "NativeDesigns", "Platform", "TestSupport", "Traces",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "ReportsTests", dependencies: ["Reports"], swiftSettings: strict),
    .testTarget(
      name: "RecordingTests",
      dependencies: ["Recording", "CTraceFormat", "Traces", "Platform", "TestSupport"],
      exclude: ["Programs"],
      swiftSettings: strict),
    .testTarget(
      name: "DesignsTests", dependencies: ["Designs", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ModelsTests", dependencies: ["Models", "TestSupport"], swiftSettings: strict),
    .testTarget(
      name: "ReplayTests",
      dependencies: [
        "Replay", "Models", "NativeDesigns", "CPlayerFormat", "TestSupport",
      ], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "NativeDesignsTests",
      dependencies: [
        "NativeDesigns", "Designs", "Models", "Platform", "Replay", "Traces", "TestSupport",
      ], exclude: ["C"],
      swiftSettings: strict),
    .testTarget(
      name: "HypothesesTests", dependencies: ["Hypotheses", "Designs", "Platform", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "CostsTests", dependencies: ["Costs", "Designs", "Platform"], swiftSettings: strict),
  ],
  cLanguageStandard: .gnu17
)
