import Foundation
import Synchronization

/// Standard output and standard error.
enum Terminal {
    private static let quiet = Atomic(false)

    /// True if the user wants no progress: downloads while options are read show none then either.
    static var isQuiet: Bool {
        get { quiet.load(ordering: .relaxed) }
        set { quiet.store(newValue, ordering: .relaxed) }
    }

    /// True if standard error, where progress goes, is a terminal that understands escape codes.
    static var isInteractive: Bool {
        isatty(STDERR_FILENO) == 1 && ProcessInfo.processInfo.environment["TERM"] != "dumb"
    }

    /// The columns of the terminal on standard error.
    static var width: Int {
        var size = winsize()
        guard ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Writes a line of a result, or several, with control characters made visible.
    ///
    /// - Throws: ``OutputClosedError`` where its reader has closed it.
    static func output(_ text: String) throws { try write(text.visible() + "\n", to: STDOUT_FILENO) }

    /// Writes a piece of a line, with control characters made visible.
    ///
    /// - Throws: ``OutputClosedError`` where its reader has closed it.
    static func write(piece: String) throws { try write(piece.visible(), to: STDOUT_FILENO) }

    /// Writes a line for the user's eyes, with control characters made visible.
    static func error(_ text: String) { try? write(text.visible() + "\n", to: STDERR_FILENO) }

    /// Writes to standard error as it is: escape codes of this program's own, around texts that were made visible.
    static func errorRaw(_ text: String) { try? write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) throws {
        var text = text
        try text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)
            while !rest.isEmpty {
                let written = Foundation.write(descriptor, rest.baseAddress, rest.count)
                if written < 0 {
                    if errno == EINTR || errno == EAGAIN { continue }
                    throw OutputClosedError(errno: errno)
                }
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(written))
            }
        }
    }
}

/// Standard output could not be written.
struct OutputClosedError: Error, CustomStringConvertible {
    let errno: Int32

    var description: String { "standard output cannot be written: \(String(cString: strerror(errno)))" }

    /// As a shell gives it to a process that SIGPIPE ended.
    var exitCode: Int32 {
        if errno != EPIPE { Terminal.error("Error: \(self)") }
        return errno == EPIPE ? 128 + SIGPIPE : 1
    }
}
