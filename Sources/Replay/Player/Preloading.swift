import Foundation

/// Whether a library that was to be preloaded into a process is where its calls went.
public enum Preloading {
  /// ld.so says what it could not preload, and goes on without it.
  /// - Parameter errors: what the process wrote to standard error.
  public static func checkLoaded(_ library: URL?, errors: String) throws(PlayerError) {
    guard let library else { return }
    for line in errors.split(separator: "\n")
    where line.contains("cannot be preloaded") || line.contains("symbol lookup error") {
      let reason = line.split(separator: "(", maxSplits: 1).last ?? line
      let text = reason.split(separator: ")").first.map(String.init) ?? String(line)
      throw .preloadFailed(library: library.path, reason: text)
    }
  }

  /// A library that loads but defines no malloc would silently measure glibc.
  /// - Parameter file: where the process's malloc came from.
  public static func checkReplacesMalloc(
    _ library: URL?, mallocFrom file: String
  ) throws(PlayerError) {
    guard let library else { return }
    let found = URL(fileURLWithPath: file).resolvingSymlinksInPath().path
    guard found == library.resolvingSymlinksInPath().path else {
      throw .doesNotReplaceMalloc(library: library.path, mallocFrom: found)
    }
  }
}
