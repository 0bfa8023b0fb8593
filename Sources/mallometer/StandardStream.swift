import Foundation
import Platform

/// Standard output and standard error without buffers: a report that can't be written is an error
/// and not a silent loss.
enum StandardStream {
  /// - Throws: `StreamError` when the target is full or closed.
  static func write(_ text: String, to descriptor: Int32) throws(StreamError) {
    var bytes = Substring(text).utf8
    while !bytes.isEmpty {
      let chunk = Array(bytes.prefix(1 << 16))
      let count = Foundation.write(descriptor, chunk, chunk.count)
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN {
          usleep(1000)
          continue
        }
        throw errno == EPIPE ? .readerGone : .failed(String(cString: strerror(errno)))
      }
      bytes = bytes.dropFirst(count)
    }
  }

  /// For progress and errors, where nobody is left to tell of a failure.
  static func writeError(_ text: String) { try? write(text, to: STDERR_FILENO) }

  /// Columns of the terminal at a descriptor, or nil where it isn't one.
  static func columns(of descriptor: Int32) -> Int? {
    guard isatty(descriptor) == 1 else { return nil }
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
    return Int(size.ws_col)
  }
}

/// Standard output can't take the result.
enum StreamError: UserFacingError {
  /// The reader of a pipe has seen enough (`| head`): nothing to complain about.
  case readerGone
  case failed(String)

  var message: String {
    switch self {
    case .readerGone: "the reader of standard output is gone"
    case .failed(let reason): "standard output can't be written: \(reason)"
    }
  }

  var remedy: String? { "redirect it to a place with room; what was measured is in the notebook" }
}
