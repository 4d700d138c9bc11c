import Files
import Foundation

/// A source of bytes, read one piece after another.
protocol ByteSource: AnyObject {
    /// Reads the next bytes into a buffer that is not empty.
    ///
    /// - Returns: Their number; 0 at the end.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int
}

extension FileStream: ByteSource {}

/// Reads a source byte by byte, or run by run, through a buffer.
final class ByteReader {
    private let source: any ByteSource
    private let buffer: UnsafeMutableRawBufferPointer
    private var place = 0
    private var end = 0
    private let chunkSize: Int

    /// - Parameter chunkSize: The bytes asked of the source at a time.
    init(_ source: any ByteSource, chunkSize: Int) {
        self.source = source
        // Room for what ``starts(with:)`` looks at.
        buffer = .allocate(byteCount: max(16, chunkSize), alignment: 16)
        self.chunkSize = max(1, chunkSize)
    }

    deinit { buffer.deallocate() }

    /// The next byte, which stays the next; `nil` at the end.
    func peek() throws -> UInt8? {
        if place == end {
            end = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(chunkSize)))
            place = 0
            guard end > 0 else { return nil }
        }
        return buffer[place]
    }

    /// Goes past the byte that ``peek()`` gave.
    func advance() { place += 1 }

    /// Appends bytes up to the first that ends the run, or to the end of the source.
    ///
    /// - Parameter limit: The maximum number of bytes, those before included.
    /// - Returns: True if they were no more.
    func take(into bytes: inout [UInt8], limit: Int = .max, until ends: (UInt8) -> Bool) throws -> Bool {
        while try peek() != nil {
            let start = place
            while place < end, !ends(buffer[place]) { place += 1 }
            bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: buffer[start..<place]))
            if bytes.count > limit { return false }
            if place < end { return true }
        }
        return true
    }

    /// Returns true if the source begins with the prefix of at most 16 bytes. To be called before anything is read.
    func starts(with prefix: [UInt8]) throws -> Bool {
        while end < prefix.count {
            let room = buffer[end..<min(buffer.count, end + chunkSize)]
            let count = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: room))
            if count == 0 { break }
            end += count
        }
        return buffer.prefix(end).starts(with: prefix)
    }

    /// Goes past a prefix of at most 16 bytes, where the source begins with it. To be called before anything is read.
    func skip(prefix: [UInt8]) throws {
        if try starts(with: prefix) { place = prefix.count }
    }

    /// Returns the part of the line starting here that is already in the buffer.
    func head() throws -> [UInt8] {
        guard try peek() != nil else { return [] }
        return buffer[place..<end].prefix { $0 != 0x0A && $0 != 0x0D }.map { $0 }
    }

    /// Reads what is left, or a part of much, for the sake of its errors.
    func drain(limit: Int = 256_000_000) throws {
        var rest = limit
        repeat {
            rest -= end - place
            place = end
        } while try rest > 0 && peek() != nil
    }
}
