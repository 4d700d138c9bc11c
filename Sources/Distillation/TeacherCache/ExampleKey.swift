import Files

/// Names an example by what a model reads of it: 128 bits of the SHA-256 of its token ids and segments.
struct ExampleKey: Hashable, Comparable, Sendable {
    let high: UInt64
    let low: UInt64

    /// The bytes of a key in a file.
    static let size = 16

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameters:
    ///   - token: The token whose output is meant, below 0 for a word that has none; `nil` for the example's.
    ///   - scratch: Memory that is used again for each key.
    init(_ example: EncodedExample, token: Int32? = nil, scratch: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        func append(_ word: UInt32, to bytes: inout [UInt8]) {
            bytes.append(UInt8(truncatingIfNeeded: word))
            bytes.append(UInt8(truncatingIfNeeded: word >> 8))
            bytes.append(UInt8(truncatingIfNeeded: word >> 16))
            bytes.append(UInt8(truncatingIfNeeded: word >> 24))
        }
        // The count first, so that ids and segments cannot be taken for one another.
        append(UInt32(example.inputIDs.count), to: &scratch)
        for id in example.inputIDs { append(UInt32(bitPattern: id), to: &scratch) }
        for type in example.tokenTypeIDs { scratch.append(UInt8(truncatingIfNeeded: type)) }
        if let token { append(UInt32(bitPattern: token), to: &scratch) }
        (high, low) = scratch.withUnsafeBytes { Digest.short($0) }
    }

    static func < (a: ExampleKey, b: ExampleKey) -> Bool { (a.high, a.low) < (b.high, b.low) }
}
