#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A tree of byte strings, for finding the longest of them that a text continues with.
struct ByteTrie: Sendable {
    /// The next node by node and byte.
    private var next: [UInt64: Int32] = [:]
    /// The value of the string that ends at a node, or -1.
    private var values: [Int32] = [-1]
    /// The bytes that strings start with, and for each byte whether it is one.
    private var firstBytes: [UInt8] = []
    private(set) var isFirst = [Bool](repeating: false, count: 256)

    /// Adds a string that is not empty. A string that is there already keeps its value.
    mutating func insert(_ string: [UInt8], value: Int32) {
        guard let first = string.first else { return }
        if !isFirst[Int(first)] { firstBytes.append(first) }
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

    /// The first match of a string in the text, from a position on; of several the longest.
    func firstMatch(in text: UnsafeBufferPointer<UInt8>, from position: Int) -> (
        range: Range<Int>, value: Int32
    )? {
        var position = position
        while let start = firstCandidate(in: text, from: position) {
            if let (end, value) = longestMatch(in: text, at: start) { return (start..<end, value) }
            position = start + 1
        }
        return nil
    }

    /// The first position, from another one on, of a byte that a string starts with.
    func firstCandidate(in text: UnsafeBufferPointer<UInt8>, from position: Int) -> Int? {
        guard let start = text.baseAddress, position < text.count, let first = firstBytes.first else {
            return nil
        }
        if firstBytes.count == 1 {
            // Usually all begin with "[".
            guard let found = memchr(start + position, Int32(first), text.count - position) else {
                return nil
            }
            return UnsafeRawPointer(start).distance(to: found)
        }
        return isFirst.withUnsafeBufferPointer { isFirst in
            var place = position
            while place < text.count {
                if isFirst[Int(text[place])] { return place }
                place &+= 1
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
