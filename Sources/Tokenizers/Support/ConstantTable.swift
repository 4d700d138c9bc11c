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

    /// An element; the index must be one of the table's.
    @inline(__always)
    subscript(index: Int) -> Element { start[index] }
}
