import CZlib

/// Unpacks gzip data (RFC 1952), also of several members one after another, by the system's zlib.
enum Gunzip {
    static func isCompressed(_ bytes: UnsafeRawBufferPointer) -> Bool {
        bytes.count >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B
    }

    /// - Throws: ``DatasetError`` where the data are damaged or end early.
    static func unpack(_ bytes: UnsafeRawBufferPointer, path: String) throws -> [UInt8] {
        var stream = z_stream()
        // 16 + 15: a gzip header, the largest window.
        guard inflateInit2_(&stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw DatasetError(path, "zlib could not start")
        }
        defer { inflateEnd(&stream) }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 18)
        var consumed = 0
        while true {
            let piece = min(bytes.count - consumed, 1 << 30)
            let base = bytes.baseAddress?.advanced(by: consumed).assumingMemoryBound(to: Bytef.self)
            stream.next_in = UnsafeMutablePointer(mutating: base)
            stream.avail_in = UInt32(piece)
            let status = buffer.withUnsafeMutableBufferPointer { room in
                stream.next_out = room.baseAddress
                stream.avail_out = UInt32(room.count)
                return inflate(&stream, Z_NO_FLUSH)
            }
            consumed += piece - Int(stream.avail_in)
            output.append(contentsOf: buffer[..<(buffer.count - Int(stream.avail_out))])
            if status == Z_STREAM_END {
                if consumed == bytes.count { return output }
                guard inflateReset(&stream) == Z_OK else { throw DatasetError(path, "zlib could not go on") }
            } else if status == Z_BUF_ERROR
                || (status == Z_OK && consumed == bytes.count && stream.avail_out > 0)
            {
                throw DatasetError(path, "the gzip data end too early; fetch or make the file again")
            } else if status != Z_OK {
                throw DatasetError(path, "the gzip data are damaged; fetch or make the file again")
            }
        }
    }
}
