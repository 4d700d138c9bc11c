#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory for packed weights, a part of a large piece each: the system holds such pieces in large pages where it may, which are read
/// faster. What was taken lives on its own.
final class WeightArena {
    private var piece: Piece?
    private var used = 0

    /// A large page, and the pieces that small weights share.
    private static let page = 2 << 20
    private static let shared = 16 << 20

    /// A piece of memory.
    private final class Piece: @unchecked Sendable {
        let start: UnsafeMutableRawPointer
        let count: Int

        init(count: Int) throws {
            let whole = (count + WeightArena.page - 1) / WeightArena.page * WeightArena.page
            var bytes: UnsafeMutableRawPointer?
            guard posix_memalign(&bytes, WeightArena.page, whole) == 0, let bytes else {
                throw RuntimeError.outOfMemory
            }
            #if os(Linux)
                // Refused where the system has none, which changes nothing else.
                madvise(bytes, whole, MADV_HUGEPAGE)
            #endif
            (start, self.count) = (bytes, whole)
        }

        deinit { free(start) }
    }

    /// Takes memory, aligned as the kernels' vectors are.
    ///
    /// - Returns: The memory, and what keeps it.
    /// - Throws: ``RuntimeError`` where there is none.
    func take(bytes: Int) throws -> (start: UnsafeMutableRawPointer, owner: AnyObject) {
        let bytes = max(64, (bytes + 63) / 64 * 64)
        if bytes > Self.shared / 2 {
            let own = try Piece(count: bytes)
            return (own.start, own)
        }
        if let piece, used + bytes <= piece.count {
            defer { used += bytes }
            return (piece.start + used, piece)
        }
        let new = try Piece(count: Self.shared)
        (piece, used) = (new, bytes)
        return (new.start, new)
    }
}
