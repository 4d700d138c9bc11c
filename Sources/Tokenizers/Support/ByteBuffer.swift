/// Bytes that grow, written by pointer: the inner loops write each byte once, without the checks of an array.
///
/// Whoever writes calls ``reserve(_:)`` first and stays within it.
final class ByteBuffer {
    private(set) var start: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// The number of bytes written.
    var count = 0

    init(capacity: Int = 1024) {
        self.capacity = capacity
        start = .allocate(capacity: capacity)
    }

    deinit { start.deallocate() }

    /// The bytes written so far; valid until the next ``reserve(_:)``.
    var bytes: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: start, count: count) }

    /// Makes room for more bytes after those written.
    func reserve(_ additional: Int) {
        let needed = count + additional
        if needed <= capacity { return }
        let larger = max(needed, capacity * 2)
        let moved = UnsafeMutablePointer<UInt8>.allocate(capacity: larger)
        moved.update(from: start, count: count)
        start.deallocate()
        start = moved
        capacity = larger
    }

    /// Appends a character as UTF-8, making room for it.
    func append(_ scalar: UInt32) {
        reserve(4)
        count += UTF8Bytes.write(scalar, to: start + count)
    }
}
