import Storage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Reads lines as they come, several at a time: whoever types a line gets its prediction immediately, and a large file goes
/// through in batches. Each byte is looked at only once, however long its line is.
package final class LineReader {
    package struct Line: Equatable {
        /// Counted from 1.
        package var number: Int
        package var text: String
    }

    private let path: String
    private let descriptor: Int32
    private let maximumCount: Int
    private let limit: Int
    private var buffer = [UInt8](repeating: 0, count: 1 << 16)
    /// The part of the buffer that is still to be looked at.
    private var rest = 0..<0
    /// The beginning of a line whose end has not been read yet.
    private var pending: [UInt8] = []
    private var number = 0
    private var isAtEnd = false

    /// Bytes of lines that are handed on together.
    private static let chunk = 16_000_000

    /// - Parameters:
    ///   - path: A file, or "-" for standard input.
    ///   - maximumCount: How many lines ``next()`` gives at most.
    ///   - limit: The most bytes of a line.
    package init(path: String, maximumCount: Int = 256, limit: Int = 512_000_000) throws {
        self.maximumCount = maximumCount
        self.limit = limit
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
    ///
    /// - Throws: `FileError`; ``RuntimeError`` for a line that is too long or is no UTF-8.
    package func next() throws -> [Line]? {
        var (lines, bytes) = ([Line](), 0)
        while lines.count < maximumCount, bytes < Self.chunk {
            if rest.isEmpty {
                // Lines that are there are predicted before more are waited for.
                if !lines.isEmpty || isAtEnd { break }
                try read()
            }
            guard let line = try takeLine() else { continue }
            bytes += line.text.utf8.count
            lines.append(line)
        }
        if lines.isEmpty, isAtEnd, !pending.isEmpty { lines.append(try line()) }
        return lines.isEmpty ? nil : lines
    }

    /// Fills the buffer, or notes the end.
    private func read() throws {
        let count = systemRead(descriptor, &buffer, buffer.count)
        if count < 0 {
            if errno == EINTR { return }
            throw FileError.readFailed(path, reason: String(cString: strerror(errno)))
        }
        isAtEnd = count == 0
        rest = 0..<count
    }

    /// The line that ends in the buffer; `nil` where none does, and what there is of one is kept.
    private func takeLine() throws -> Line? {
        let end = buffer.withUnsafeBytes { bytes in
            memchr(bytes.baseAddress! + rest.lowerBound, 0x0A, rest.count).map {
                bytes.baseAddress!.distance(to: $0)
            }
        }
        pending += buffer[rest.lowerBound..<(end ?? rest.upperBound)]
        rest = (end.map { $0 + 1 } ?? rest.upperBound)..<rest.upperBound
        guard pending.count <= limit else {
            throw RuntimeError(
                "\(path), line \(number + 1): the line is longer than \(limit / 1_000_000) MB; texts stand on lines of "
                    + "their own")
        }
        return end == nil ? nil : try line()
    }

    private func line() throws -> Line {
        number += 1
        var content = pending[...]
        if number == 1 { content = try content.dropFirst(prefixLength(content)) }
        if content.last == 0x0D { content = content.dropLast() }
        guard let text = String(validating: content, as: UTF8.self) else {
            throw RuntimeError(
                "\(path), line \(number): the bytes are not UTF-8; convert the file to UTF-8")
        }
        // Of a long line the memory is given back.
        pending.removeAll(keepingCapacity: pending.count < 1 << 20)
        return Line(number: number, text: text)
    }

    /// The length of a byte order mark.
    ///
    /// - Throws: ``RuntimeError`` where the first bytes are not those of a text.
    private func prefixLength(_ bytes: ArraySlice<UInt8>) throws -> Int {
        if bytes.starts(with: [0x1F, 0x8B]) {
            throw RuntimeError(
                "\(path): this is gzip; unpack it first: gunzip -c FILE | distill predict …")
        }
        if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
            throw RuntimeError("\(path): this is UTF-16; convert the file to UTF-8")
        }
        return ByteOrderMark.length(in: bytes)
    }
}

/// The system's `read`, which the reader's own method hides.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
