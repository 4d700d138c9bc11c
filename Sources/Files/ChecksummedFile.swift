import Foundation

/// A file of bytes with a description of them, in which a change of any byte is noticed when it is opened.
///
/// ```
/// magic (8) | payload | first 8 bytes of the SHA-256 of each 256 KiB of payload | description
///   | payload's size, UInt64 | description's size, UInt32 | version, UInt32
///   | SHA-256 of everything but the payload (32)
/// ```
///
/// Numbers are little-endian. The description follows the payload, so that a file is written in one pass.
public final class ChecksummedFile: Sendable {
    /// The signature of a kind of file: its first 8 bytes, and its version.
    public struct Format: Sendable, Equatable {
        public let magic: String
        public let version: UInt32

        /// - Parameter magic: 8 characters of ASCII.
        public init(magic: String, version: UInt32) {
            precondition(magic.utf8.count == 8, "a magic has 8 bytes")
            self.magic = magic
            self.version = version
        }
    }

    /// A reason why a file is not used.
    public enum Problem: Error, Sendable, Equatable {
        /// Another kind of file, or another version of it.
        case foreign(String)
        /// Cut short, or changed since it was written.
        case damaged(String)
    }

    static let blockSize = 1 << 18
    static let tailSize = 8 + 4 + 4 + 32
    static let sealSize = 8

    /// The writer's description of the payload.
    public let description: [UInt8]
    /// The payload's size in bytes.
    public let count: Int
    private let file: RandomAccessFile

    /// Opens a file and reads it through, to compare every block with its checksum.
    ///
    /// - Parameter isUsed: True if the file counts as in use while this object lives (see ``Pruning``), rather than only
    ///   being looked at.
    /// - Throws: ``Problem``, or `FileError` where the file cannot be read.
    public init(_ url: URL, format: Format, isUsed: Bool = true) throws {
        let file = try RandomAccessFile(url)
        if isUsed { file.use() }
        guard file.count >= 8 + Self.tailSize else { throw Problem.damaged("the file is cut short") }
        let magic = try file.bytes(8, at: 0)
        guard magic == Array(format.magic.utf8) else {
            throw Problem.foreign("it does not begin with '\(format.magic)'")
        }
        let tail = try file.bytes(Self.tailSize, at: file.count - Self.tailSize)
        let (size, described, version) = tail.withUnsafeBytes {
            (
                UInt64(littleEndian: $0.loadUnaligned(as: UInt64.self)),
                UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self)),
                UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 12, as: UInt32.self))
            )
        }
        let blocks = (size / UInt64(Self.blockSize)) + (size % UInt64(Self.blockSize) == 0 ? 0 : 1)
        guard size < UInt64(file.count), blocks < UInt64(file.count),
            UInt64(file.count) == 8 + size + blocks * UInt64(Self.sealSize) + UInt64(described)
                + UInt64(Self.tailSize)
        else { throw Problem.damaged("its size is not what it says") }
        let seals = try file.bytes(Int(blocks) * Self.sealSize, at: 8 + Int(size))
        let description = try file.bytes(Int(described), at: 8 + Int(size) + seals.count)
        var hash = SHA256()
        for part in [magic, seals, description, Array(tail.prefix(16))] {
            part.withUnsafeBytes { hash.update($0) }
        }
        guard hash.finalize() == Array(tail.suffix(32)) else {
            throw Problem.damaged("its description does not fit its checksum")
        }
        guard version == format.version else {
            throw Problem.foreign("it has version \(version), this program reads \(format.version)")
        }
        try Self.verify(file, size: Int(size), seals: seals)
        self.file = file
        self.description = description
        count = Int(size)
    }

    /// Returns the writer's description of a file's payload, without reading the payload.
    ///
    /// - Returns: `nil` where the file is not of that form, or was cut short.
    public static func description(of url: URL, format: Format) -> [UInt8]? {
        guard let file = try? RandomAccessFile(url), file.count >= 8 + tailSize,
            let magic = try? file.bytes(8, at: 0), magic == Array(format.magic.utf8),
            let tail = try? file.bytes(tailSize, at: file.count - tailSize)
        else { return nil }
        let count = tail.withUnsafeBytes {
            Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
        }
        guard count <= file.count - 8 - tailSize else { return nil }
        return try? file.bytes(count, at: file.count - tailSize - count)
    }

    /// Fills a buffer with the payload's bytes from `offset` on.
    ///
    /// - Throws: `FileError`.
    public func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
        try file.read(into: buffer, at: 8 + offset)
    }

    /// The offset of the payload in the file.
    public static let payloadOffset = 8

    private static func verify(_ file: RandomAccessFile, size: Int, seals: [UInt8]) throws {
        var buffer = [UInt8](repeating: 0, count: min(size, blockSize))
        for (block, start) in stride(from: 0, to: size, by: blockSize).enumerated() {
            let length = min(blockSize, size - start)
            let seal = try buffer.withUnsafeMutableBytes { buffer in
                let part = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(length))
                try file.read(into: part, at: payloadOffset + start)
                return Self.seal(UnsafeRawBufferPointer(part))
            }
            guard seal.elementsEqual(seals[block * sealSize..<(block + 1) * sealSize]) else {
                throw Problem.damaged("the bytes from \(payloadOffset + start) on do not fit their checksum")
            }
        }
    }

    /// The checksum of a block.
    static func seal(_ block: UnsafeRawBufferPointer) -> [UInt8] {
        withUnsafeBytes(of: Digest.short(block).high.bigEndian) { Array($0) }
    }
}

extension RandomAccessFile {
    fileprivate func bytes(_ count: Int, at offset: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try read(into: $0, at: offset) }
        return bytes
    }
}
