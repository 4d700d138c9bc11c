#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Memory aligned as the kernels' vectors are, of elements that need no initialization.
final class AlignedBuffer<Element: BitwiseCopyable>: @unchecked Sendable {
    let pointer: UnsafeMutablePointer<Element>
    let count: Int
    /// What keeps the memory; `nil` where it is the buffer's own.
    private let owner: AnyObject?

    /// Takes memory for some elements; their values are whatever was there.
    ///
    /// - Throws: ``RuntimeError`` where there is none.
    init(count: Int) throws {
        self.count = count
        var bytes: UnsafeMutableRawPointer?
        guard posix_memalign(&bytes, 64, max(64, count * MemoryLayout<Element>.stride)) == 0, let bytes else {
            throw RuntimeError.outOfMemory
        }
        pointer = bytes.bindMemory(to: Element.self, capacity: max(1, count))
        owner = nil
    }

    /// Takes memory of an arena.
    ///
    /// - Throws: ``RuntimeError`` where there is none.
    init(count: Int, in arena: WeightArena) throws {
        let (start, owner) = try arena.take(bytes: count * MemoryLayout<Element>.stride)
        pointer = start.bindMemory(to: Element.self, capacity: max(1, count))
        (self.count, self.owner) = (count, owner)
    }

    deinit { if owner == nil { free(pointer) } }
}
