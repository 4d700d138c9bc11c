/// A tree of byte strings, for finding the longest of them that a text continues with.
struct ByteTrie: Sendable {
    /// The next node by node and byte.
    private var next: [UInt64: Int32] = [:]
    /// The value of the string that ends at a node, or -1.
    private var values: [Int32] = [-1]
    /// Whether a string starts with a byte.
    private var isFirst = [Bool](repeating: false, count: 256)

    /// Adds a string that is not empty. A string that is there already keeps its value.
    mutating func insert(_ string: [UInt8], value: Int32) {
        guard let first = string.first else { return }
        isFirst[Int(first)] = true
        var node = 0
        for byte in string {
            let key = Self.key(node, byte)
            if let child = next[key] {
                node = Int(child)
            } else {
                next[key] = Int32(truncatingIfNeeded: values.count)
                node = values.count
                values.append(-1)
            }
        }
        if values[node] < 0 { values[node] = value }
    }

    /// The first place, from a position on, where a string stands in the text; of several the longest.
    func firstMatch(in text: UnsafeBufferPointer<UInt8>, from position: Int) -> (
        range: Range<Int>, value: Int32
    )? {
        isFirst.withUnsafeBufferPointer { isFirst in
            for start in position..<max(position, text.count) where isFirst[Int(text[start])] {
                if let (end, value) = longestMatch(in: text, at: start) { return (start..<end, value) }
            }
            return nil
        }
    }

    private func longestMatch(in text: UnsafeBufferPointer<UInt8>, at start: Int) -> (end: Int, value: Int32)?
    {
        var node = 0
        var longest: (end: Int, value: Int32)?
        for position in start..<text.count {
            guard let child = next[Self.key(node, text[position])] else { break }
            node = Int(child)
            if values[node] >= 0 { longest = (position + 1, values[node]) }
        }
        return longest
    }

    private static func key(_ node: Int, _ byte: UInt8) -> UInt64 { UInt64(node) << 8 | UInt64(byte) }
}
