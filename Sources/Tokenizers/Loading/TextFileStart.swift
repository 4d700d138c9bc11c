import Storage

/// The bytes at the start of a text file that are not part of its text.
enum TextFileStart {
    /// The text's bytes, without a byte order mark.
    static func content(of bytes: UnsafeRawBufferPointer) -> UnsafeBufferPointer<UInt8> {
        UnsafeRawBufferPointer(rebasing: bytes[ByteOrderMark.length(in: bytes)...]).bindMemory(to: UInt8.self)
    }

    /// - Throws: ``TokenizerError/malformed(file:key:reason:)`` if the file is a pointer to another.
    static func refusePointer(_ bytes: UnsafeRawBufferPointer, file: String) throws {
        guard GitLFSPointer.isPointer(bytes) else { return }
        throw TokenizerError.malformed(file: file, key: "contents", reason: GitLFSPointer.advice)
    }
}
