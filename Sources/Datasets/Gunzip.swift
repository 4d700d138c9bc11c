import CZlib

/// Unpacks gzip data (RFC 1952) as they come, also of several members one after another, by the system's zlib.
final class Gunzip: ByteSource {
    private let source: any ByteSource
    private let path: String
    private let stream: UnsafeMutablePointer<z_stream>
    private let input: UnsafeMutableRawBufferPointer
    private var isAtEnd = false

    /// - Parameters:
    ///   - source: The packed bytes.
    ///   - path: The file's name, for errors.
    ///   - chunkSize: The packed bytes asked of the source at a time.
    init(_ source: any ByteSource, path: String, chunkSize: Int) throws {
        self.source = source
        self.path = path
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        input = .allocate(byteCount: max(1, chunkSize), alignment: 16)
        // 16 + 15: a gzip header, the largest window.
        guard inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw DatasetError(path, "zlib could not start")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
        input.deallocate()
    }

    /// - Throws: ``DatasetError`` where the data are damaged or end early.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        stream.pointee.next_out = buffer.baseAddress?.assumingMemoryBound(to: Bytef.self)
        stream.pointee.avail_out = UInt32(buffer.count)
        while !isAtEnd, stream.pointee.avail_out == UInt32(buffer.count) {
            try fill()
            let hadInput = stream.pointee.avail_in > 0
            let status = inflate(stream, Z_NO_FLUSH)
            if status == Z_STREAM_END {
                try fill()
                if stream.pointee.avail_in == 0 {
                    isAtEnd = true
                } else if inflateReset(stream) != Z_OK {
                    throw DatasetError(path, "zlib could not go on")
                }
            } else if status == Z_BUF_ERROR
                || (status == Z_OK && !hadInput && stream.pointee.avail_out > 0)
            {
                throw DatasetError(path, "the gzip data end too early; fetch or make the file again")
            } else if status != Z_OK {
                throw DatasetError(path, "the gzip data are damaged; fetch or make the file again")
            }
        }
        return buffer.count - Int(stream.pointee.avail_out)
    }

    /// Asks the source for bytes where none are left.
    private func fill() throws {
        guard stream.pointee.avail_in == 0 else { return }
        stream.pointee.avail_in = UInt32(try source.read(into: input))
        stream.pointee.next_in = input.baseAddress?.assumingMemoryBound(to: Bytef.self)
    }
}
