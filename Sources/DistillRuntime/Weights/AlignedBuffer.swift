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
    }

    deinit { free(pointer) }
}
