/// Elements that grow in number, written by pointer: the inner loops write each once, without the checks of an array.
///
/// Callers reserve room (``reserve(_:)``) before they write, and stay within it.
final class GrowingBuffer<Element: BitwiseCopyable> {
    private(set) var start: UnsafeMutablePointer<Element>
    private var capacity: Int
    /// The number of elements written.
    var count = 0

    init(capacity: Int = 1024) {
        self.capacity = capacity
        start = .allocate(capacity: capacity)
    }

    deinit { start.deallocate() }

    /// The elements written so far; valid until the next ``reserve(_:)``.
    var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: start, count: count) }

    /// Makes room for more elements after those written.
    @inline(__always)
    func reserve(_ additional: Int) {
        if count &+ additional > capacity { grow(to: count + additional) }
    }

    private func grow(to needed: Int) {
        let larger = max(needed, capacity * 2)
        let moved = UnsafeMutablePointer<Element>.allocate(capacity: larger)
        moved.update(from: start, count: count)
        start.deallocate()
        start = moved
        capacity = larger
    }

    /// Appends an element, making room for it.
    @inline(__always)
    func append(_ element: Element) {
        reserve(1)
        start[count] = element
        count &+= 1
    }

    /// Appends elements, making room for them.
    @inline(__always)
    func append(_ source: UnsafePointer<Element>, count length: Int) {
        reserve(length)
        (start + count).update(from: source, count: length)
        count &+= length
    }
}

/// Text that grows.
typealias ByteBuffer = GrowingBuffer<UInt8>
/// Token ids that grow in number.
typealias TokenBuffer = GrowingBuffer<Int32>

extension GrowingBuffer<UInt8> {
    /// The bytes written so far; valid until the next ``reserve(_:)``.
    var bytes: UnsafeBufferPointer<UInt8> { elements }

    /// Appends a character as UTF-8, making room for it.
    func append(_ scalar: UInt32) {
        reserve(4)
        count += UTF8Bytes.write(scalar, to: start + count)
    }

    /// Writes eight spaces after the bytes, without counting them, so that code that reads eight bytes at a time may
    /// begin at any of them.
    func pad() {
        reserve(8)
        UnsafeMutableRawPointer(start + count).storeBytes(of: EightBytes.repeated(0x20), as: UInt64.self)
    }
}
