/// Eight bytes of text at a time, in one register; the first is in the lowest bits.
///
/// The result for each byte is in the top bit of that byte. Sums are made of bytes without their top bit and with
/// summands below 0x80, so nothing is carried from one byte into the next.
enum EightBytes {
    private static let topBits = repeated(0x80)

    /// A byte eight times.
    @inline(__always)
    static func repeated(_ byte: UInt64) -> UInt64 { 0x0101_0101_0101_0101 &* byte }

    /// The eight bytes at an index.
    @inline(__always)
    static func load(_ place: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(place).loadUnaligned(as: UInt64.self))
    }

    /// Writes eight bytes.
    @inline(__always)
    static func store(_ eight: UInt64, to place: UnsafeMutablePointer<UInt8>) {
        UnsafeMutableRawPointer(place).storeBytes(of: eight.littleEndian, as: UInt64.self)
    }

    /// Returns true if all bytes are between 0x20 and 0x7E.
    @inline(__always)
    static func isPrintable(_ eight: UInt64) -> Bool {
        // Subtracting borrows into the top bit of a byte that is too small; adding carries into it. What this does
        // to the next byte does not matter, as the result is false then.
        (eight | (eight &- repeated(0x20)) | (eight &+ repeated(0x01))) & topBits == 0
    }

    /// Returns true if a text is ASCII.
    static func isASCII(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let start = text.baseAddress else { return true }
        var place = 0
        var bits: UInt64 = 0
        while place &+ 8 <= text.count {
            bits |= load(start + place)
            place &+= 8
        }
        while place < text.count {
            bits |= UInt64(start[place])
            place &+= 1
        }
        return bits & topBits == 0
    }

    /// Printable ASCII with A–Z made a–z.
    @inline(__always)
    static func lowercased(_ eight: UInt64) -> UInt64 {
        let fromA = eight &+ repeated(0x80 - 0x41)
        let beyondZ = eight &+ repeated(0x80 - 0x5B)
        let isUppercase = fromA & ~beyondZ & topBits
        return eight | isUppercase >> 2  // the top bit becomes 0x20
    }

    /// Returns the number of leading bytes that are 0–9, A–Z or a–z.
    @inline(__always)
    static func leadingAlphanumerics(_ eight: UInt64) -> Int {
        let low = eight & ~topBits
        let from0 = low &+ repeated(0x80 - 0x30)
        let beyond9 = low &+ repeated(0x80 - 0x3A)
        let letter = low | repeated(0x20)
        let fromA = letter &+ repeated(0x80 - 0x61)
        let beyondZ = letter &+ repeated(0x80 - 0x7B)
        let alphanumeric = (from0 & ~beyond9) | (fromA & ~beyondZ)
        return ((~alphanumeric | eight) & topBits).trailingZeroBitCount &>> 3
    }

    /// The first bytes, with zeros instead of the others.
    ///
    /// - Parameter count: from 0 to 7.
    @inline(__always)
    static func prefix(_ eight: UInt64, _ count: Int) -> UInt64 {
        eight & ~(UInt64.max &<< UInt64(truncatingIfNeeded: count &<< 3))
    }

    /// One of the bytes.
    ///
    /// - Parameter index: from 0 to 7.
    @inline(__always)
    static func byte(_ eight: UInt64, _ index: Int) -> UInt8 {
        UInt8(truncatingIfNeeded: eight &>> UInt64(truncatingIfNeeded: index &<< 3))
    }
}
