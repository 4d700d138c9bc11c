/// Fingerprints of files and bytes.
public enum Digest {
    /// The SHA-256 of a file, read piece by piece.
    ///
    /// - Returns: 64 lower-case hexadecimal digits.
    /// - Throws: `FileError`.
    public static func sha256(ofFile file: some FileLocation) throws -> String {
        let stream = try FileStream(file)
        // Small enough that what was read is hashed from the processor's cache.
        var buffer = [UInt8](repeating: 0, count: 1 << 17)
        while try buffer.withUnsafeMutableBytes({ try stream.read(into: $0) }) > 0 {}
        return stream.sha256
    }

    /// The SHA-256 of bytes.
    ///
    /// - Returns: 64 lower-case hexadecimal digits.
    public static func sha256(_ bytes: some Collection<UInt8>) -> String {
        var hash = SHA256()
        let done: Void? = bytes.withContiguousStorageIfAvailable {
            hash.update(UnsafeRawBufferPointer($0))
        }
        if done == nil { Array(bytes).withUnsafeBytes { hash.update($0) } }
        return hexadecimal(hash.finalize())
    }

    /// The SHA-256 of a text's UTF-8 bytes.
    ///
    /// - Returns: 64 lower-case hexadecimal digits.
    public static func sha256(_ text: String) -> String { sha256(text.utf8) }

    /// The first 128 bits of the SHA-256 of bytes, as two big-endian numbers: enough that no two messages share
    /// them by chance, and quick for millions of short messages.
    public static func short(_ bytes: UnsafeRawBufferPointer) -> (high: UInt64, low: UInt64) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { digest in
            guard let base = digest.baseAddress else { return (0, 0) }
            SHA256.digest(bytes, into: base)
            let words = UnsafeRawPointer(base)
            return (
                UInt64(bigEndian: words.loadUnaligned(as: UInt64.self)),
                UInt64(bigEndian: words.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            )
        }
    }

    /// Bytes as lower-case hexadecimal digits.
    public static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
