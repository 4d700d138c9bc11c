/// Holds back the bytes of a character that is not complete yet.
struct UTF8Tail: Sendable {
    private var held: [UInt8] = []

    /// Takes bytes, and returns the text up to the last complete character.
    mutating func take(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: takeBytes(bytes), as: UTF8.self)
    }

    /// Takes bytes, and returns those up to the last complete character.
    mutating func takeBytes(_ bytes: some Sequence<UInt8>) -> [UInt8] {
        held.append(contentsOf: bytes)
        let whole = held.count - Self.incompleteCount(held)
        defer { held.removeFirst(whole) }
        return Array(held[..<whole])
    }

    /// Returns what is left: bytes without the rest of their character.
    mutating func finish() -> String {
        defer { held = [] }
        return String(decoding: held, as: UTF8.self)
    }

    /// The number of bytes at the end that begin a character and may be continued.
    private static func incompleteCount(_ bytes: [UInt8]) -> Int {
        for count in 1...3 where count <= bytes.count {
            let lead = bytes[bytes.count - count]
            // A continuation belongs to what comes before it.
            if lead & 0xC0 == 0x80 { continue }
            let (length, second): (Int, ClosedRange<UInt8>) =
                switch lead {
                case 0xC2...0xDF: (2, 0x80...0xBF)
                case 0xE0: (3, 0xA0...0xBF)
                case 0xED: (3, 0x80...0x9F)
                case 0xE1...0xEF: (3, 0x80...0xBF)
                case 0xF0: (4, 0x90...0xBF)
                case 0xF1...0xF3: (4, 0x80...0xBF)
                case 0xF4: (4, 0x80...0x8F)
                default: (1, 0x80...0xBF)
                }
            guard count < length, count == 1 || second.contains(bytes[bytes.count - count + 1]) else {
                return 0
            }
            return count
        }
        return 0
    }
}
