import Designs

/// The generated C that tells a design's sources which variant they are.
enum VariantHeader {
  /// The text of mallometer_variant.h: toggles as constants and, for builds that name steps, steps as
  /// numbers. An ordinary build doesn't know them: a new step leaves it, and what was measured of it,
  /// as they are.
  static func text(family: Family, design: Design, namesSteps: Bool) -> String {
    var lines = [
      "#ifndef MALLOMETER_VARIANT_H",
      "#define MALLOMETER_VARIANT_H",
    ]
    for toggle in family.toggles {
      let name = identifier(toggle.name)
      let allIntegers = toggle.values.allSatisfy { Int($0) != nil }
      for (index, value) in toggle.values.enumerated() {
        let number = allIntegers ? value : String(index)
        lines.append("#define MALLOMETER_\(name)_\(identifier(value)) \(number)")
      }
      let chosen = identifier(design[toggle.name])
      lines.append("#define MALLOMETER_TOGGLE_\(name) MALLOMETER_\(name)_\(chosen)")
    }
    if namesSteps {
      lines.append("enum {")
      for step in Step.allCases {
        lines.append("  MALLOMETER_STEP_\(identifier(step.name)) = \(step.rawValue),")
      }
      lines += ["  MALLOMETER_STEP_COUNT = \(Step.count)", "};"]
    }
    lines += ["#endif", ""]
    return lines.joined(separator: "\n")
  }

  /// The one translation unit of a variant.
  /// - Parameter calibrating: whether the family's kernels are in it, behind everything else.
  static func translationUnit(family: Family, calibrating: Bool = false) -> String {
    var lines = ["#include \"common/design.h\""]
    lines += ["#include \"common/region.c\"", "#include \"common/thread.c\""]
    lines += family.nativeSources.map { "#include \"\($0)\"" }
    lines.append("#include \"common/entry.c\"")
    if calibrating {
      // A kernel whose step the variant doesn't have is left out of the table.
      lines.append("#pragma GCC diagnostic ignored \"-Wunused-function\"")
      lines.append("#include \"calibration/\(family.name).c\"")
    }
    return (lines + [""]).joined(separator: "\n")
  }

  /// Upper case, anything but letters and digits as an underscore.
  static func identifier(_ name: String) -> String {
    String(
      name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? Character($0.uppercased()) : "_" })
  }
}
