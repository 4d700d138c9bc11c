import Distillation
import Files
import Foundation

/// Reads lines as they come, several at a time: whoever types a line gets its answer at once, and a large file goes
/// through in batches.
final class LineReader {
    struct Line: Equatable {
        /// Counted from 1.
        var number: Int
        var text: String
    }

    private let path: String
    private let descriptor: Int32
    private let maximumCount: Int
    private var pending: [UInt8] = []
    private var lines: [Line] = []
    private var number = 0
    private var isAtEnd = false

    /// - Parameters:
    ///   - path: A file, or "-" for standard input.
    ///   - maximumCount: How many lines ``next()`` gives at most.
    init(path: String, maximumCount: Int = 256) throws {
        self.maximumCount = maximumCount
        self.path = path == "-" ? "standard input" : path
        guard path != "-" else {
            descriptor = STDIN_FILENO
            return
        }
        descriptor = open(path, O_RDONLY)
        guard descriptor >= 0 else {
            throw errno == ENOENT
                ? FileError.missing(path)
                : FileError.readFailed(path, reason: String(cString: strerror(errno)))
        }
    }

    deinit { if descriptor != STDIN_FILENO, descriptor >= 0 { close(descriptor) } }

    /// The next lines, at least one; `nil` at the end.
    func next() throws -> [Line]? {
        while lines.isEmpty, !isAtEnd { try read() }
        guard !lines.isEmpty else { return nil }
        let batch = Array(lines.prefix(maximumCount))
        lines.removeFirst(batch.count)
        return batch
    }

    private func read() throws {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Foundation.read(descriptor, &buffer, buffer.count)
        if count < 0 {
            if errno == EINTR { return }
            throw FileError.readFailed(path, reason: String(cString: strerror(errno)))
        }
        isAtEnd = count == 0
        pending.append(contentsOf: buffer[..<count])
        var parts = pending.split(separator: 0x0A, omittingEmptySubsequences: false)
        // What follows the last line end is a line only at the end, and only if there is something.
        let rest = parts.removeLast()
        if isAtEnd, !rest.isEmpty { parts.append(rest) }
        let complete = try parts.map(line)
        pending = isAtEnd ? [] : Array(rest)
        lines += complete
    }

    private func line(_ bytes: ArraySlice<UInt8>) throws -> Line {
        number += 1
        let content = bytes.last == 0x0D ? bytes.dropLast() : bytes
        guard let text = String(validating: content, as: UTF8.self) else {
            throw DistillationError(
                "\(path), line \(number): the bytes are not UTF-8; convert the file to UTF-8")
        }
        return Line(number: number, text: text)
    }
}
