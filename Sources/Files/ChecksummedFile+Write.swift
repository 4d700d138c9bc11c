import Foundation

extension ChecksummedFile {
    /// Takes the payload of a new ``ChecksummedFile`` piece by piece.
    public final class Writer {
        private let file: FileWriter
        /// The part of the present block that has been written.
        private var block: [UInt8] = []
        fileprivate private(set) var seals: [UInt8] = []
        /// The bytes of payload so far.
        public private(set) var count = 0

        fileprivate init(_ file: FileWriter) {
            self.file = file
            block.reserveCapacity(ChecksummedFile.blockSize)
        }

        /// Writes the next bytes of the payload.
        ///
        /// - Throws: `FileError.writeFailed`.
        public func write(_ bytes: UnsafeRawBufferPointer) throws {
            count += bytes.count
            var rest = bytes[...]
            while !rest.isEmpty {
                let part = rest.prefix(ChecksummedFile.blockSize - block.count)
                block.append(contentsOf: part)
                rest = rest.dropFirst(part.count)
                if block.count == ChecksummedFile.blockSize { try flush() }
            }
        }

        fileprivate func flush() throws {
            guard !block.isEmpty else { return }
            try block.withUnsafeBytes { bytes in
                seals += ChecksummedFile.seal(bytes)
                try file.write(bytes)
            }
            block.removeAll(keepingCapacity: true)
        }
    }

    /// Writes a file, which appears complete or not at all.
    ///
    /// - Parameters:
    ///   - body: Writes the payload and returns the description.
    /// - Throws: `FileError`, or what `body` throws.
    public static func write(to url: URL, format: Format, _ body: (Writer) throws -> [UInt8]) throws {
        try AtomicFile.write(to: url) { file in
            let magic = Array(format.magic.utf8)
            try file.write(magic)
            let writer = Writer(file)
            let description = try body(writer)
            try writer.flush()
            var numbers: [UInt8] = []
            withUnsafeBytes(of: UInt64(writer.count).littleEndian) { numbers += $0 }
            withUnsafeBytes(of: UInt32(description.count).littleEndian) { numbers += $0 }
            withUnsafeBytes(of: format.version.littleEndian) { numbers += $0 }
            var hash = SHA256()
            for part in [magic, writer.seals, description, numbers] {
                part.withUnsafeBytes { hash.update($0) }
            }
            for part in [writer.seals, description, numbers, hash.finalize()] { try file.write(part) }
        }
    }
}
