import Designs

/// The generated C that tells a design's sources which variant they are.
enum VariantHeader {
  /// The text of mallometer_variant.h: toggles as constants, steps as numbers.
  static func text(family: Family, design: Design) -> String {
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
    lines.append("enum {")
    for step in Step.allCases {
      lines.append("  MALLOMETER_STEP_\(identifier(step.name)) = \(step.rawValue),")
    }
    lines += ["  MALLOMETER_STEP_COUNT = \(Step.count)", "};", "#endif", ""]
    return lines.joined(separator: "\n")
  }

  /// The one translation unit of a variant.
  /// - Parameter placement: bytes of code before the design's own are 16 times this, so that the
  ///   same variant can be measured where the linker happens to put it, and elsewhere.
  static func translationUnit(family: Family, placement: Int) -> String {
    var lines = ["#include \"common/design.h\""]
    if placement > 0 { lines.append("__asm__(\".text\\n.skip \(16 * placement), 0x90\\n\");") }
    lines += ["#include \"common/region.c\"", "#include \"common/thread.c\""]
    lines += family.nativeSources.map { "#include \"\($0)\"" }
    return (lines + ["#include \"common/entry.c\"", ""]).joined(separator: "\n")
  }

  /// Upper case, anything but letters and digits as an underscore.
  static func identifier(_ name: String) -> String {
    String(
      name.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? Character($0.uppercased()) : "_" })
  }
}
