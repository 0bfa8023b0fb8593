import CPlatform

/// The C library that this process runs on.
public enum CLibrary {
  /// Nil where it is linked in.
  ///
  /// The linker knows for sure. /proc/self/maps is read in pieces, and has been seen to leave the
  /// library out in a process of many threads.
  public static var path: String? { mallometer_c_library().map { String(cString: $0) } }
}
