import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Fingerprints of files and bytes.
public enum Digest {
    /// The SHA-256 of a file, read piece by piece.
    ///
    /// - Returns: 64 lower-case hexadecimal digits.
    /// - Throws: ``FileError``.
    public static func sha256(ofFile url: URL) throws -> String {
        let path = url.systemPath
        if FileKind(path: path) == .directory { throw FileError.notAFile(path) }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw readError(path) }
        defer { close(descriptor) }

        var hash = SHA256()
        var buffer = [UInt8](repeating: 0, count: 1 << 20)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count == 0 { return hexadecimal(hash.finalize()) }
            if count > 0 {
                buffer.withUnsafeBytes { hash.update(.init(rebasing: $0.prefix(count))) }
            } else if errno != EINTR {
                throw readError(path)
            }
        }
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

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}
