/// Elements that never change, read by pointer: the inner loops look them up without the checks of an array.
struct ConstantTable<Element: BitwiseCopyable & Sendable>: @unchecked Sendable {
    /// Owns the memory, which nobody writes to once it is made.
    private final class Storage {
        let start: UnsafeMutablePointer<Element>

        init(_ elements: [Element]) {
            start = .allocate(capacity: max(elements.count, 1))
            elements.withUnsafeBufferPointer { elements in
                if let source = elements.baseAddress { start.update(from: source, count: elements.count) }
            }
        }

        init(repeating element: Element, count: Int) {
            start = .allocate(capacity: max(count, 1))
            start.initialize(repeating: element, count: count)
        }

        deinit { start.deallocate() }
    }

    private let storage: Storage
    private let start: UnsafePointer<Element>
    let count: Int

    init(_ elements: [Element]) {
        storage = Storage(elements)
        start = UnsafePointer(storage.start)
        count = elements.count
    }

    /// Makes a table of equal elements, which the body then changes.
    init(repeating element: Element, count: Int, _ body: (UnsafeMutableBufferPointer<Element>) -> Void) {
        storage = Storage(repeating: element, count: count)
        start = UnsafePointer(storage.start)
        self.count = count
        body(UnsafeMutableBufferPointer(start: storage.start, count: count))
    }

    /// An element; the index must be one of the table's.
    @inline(__always)
    subscript(index: Int) -> Element { start[index] }
}
