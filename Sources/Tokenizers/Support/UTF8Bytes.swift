/// Reading and writing characters as UTF-8. The bytes come from Swift strings, so they are well-formed.
enum UTF8Bytes {
    /// The character at a position, and how many bytes it takes.
    @inline(__always)
    static func scalar(in text: UnsafeBufferPointer<UInt8>, at position: Int) -> (value: UInt32, length: Int)
    {
        let first = UInt32(text[position])
        func continuation(_ offset: Int) -> UInt32 { UInt32(text[position &+ offset]) & 0x3F }
        if first < 0x80 { return (first, 1) }
        if first < 0xE0 { return ((first & 0x1F) << 6 | continuation(1), 2) }
        if first < 0xF0 { return ((first & 0x0F) << 12 | continuation(1) << 6 | continuation(2), 3) }
        let high = (first & 0x07) << 18 | continuation(1) << 12
        return (high | continuation(2) << 6 | continuation(3), 4)
    }

    /// The character before a position, which is not the start of the text.
    static func scalar(in text: UnsafeBufferPointer<UInt8>, before position: Int) -> (
        value: UInt32, length: Int
    ) {
        var start = position - 1
        while start > 0, text[start] & 0xC0 == 0x80 { start -= 1 }
        return scalar(in: text, at: start)
    }

    /// Returns the number of bytes that encode a character.
    static func length(of scalar: UInt32) -> Int {
        scalar < 0x80 ? 1 : scalar < 0x800 ? 2 : scalar < 0x10000 ? 3 : 4
    }

    /// Writes a character and returns how many bytes it took, at most 4.
    @inline(__always)
    static func write(_ scalar: UInt32, to target: UnsafeMutablePointer<UInt8>) -> Int {
        func byte(_ marker: UInt32, _ shift: UInt32) -> UInt8 {
            UInt8(truncatingIfNeeded: marker | (scalar >> shift & 0x3F))
        }
        if scalar < 0x80 {
            target[0] = UInt8(truncatingIfNeeded: scalar)
            return 1
        }
        if scalar < 0x800 {
            target[0] = byte(0xC0, 6)
            target[1] = byte(0x80, 0)
            return 2
        }
        if scalar < 0x10000 {
            target[0] = UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12)
            target[1] = byte(0x80, 6)
            target[2] = byte(0x80, 0)
            return 3
        }
        target[0] = UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18)
        target[1] = byte(0x80, 12)
        target[2] = byte(0x80, 6)
        target[3] = byte(0x80, 0)
        return 4
    }

    /// The number of characters.
    static func scalarCount(_ text: UnsafeBufferPointer<UInt8>) -> Int {
        text.reduce(into: 0) { count, byte in
            if byte & 0xC0 != 0x80 { count += 1 }
        }
    }
}
