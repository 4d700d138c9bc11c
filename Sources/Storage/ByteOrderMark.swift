/// The byte order mark of UTF-8, which editors put before a file's text and which is no part of it.
public enum ByteOrderMark {
    public static let bytes: [UInt8] = [0xEF, 0xBB, 0xBF]

    /// The number of bytes that it takes where some bytes begin: 3, or 0 where it is not there.
    public static func length(in bytes: some Sequence<UInt8>) -> Int {
        bytes.starts(with: Self.bytes) ? Self.bytes.count : 0
    }
}
