import Files

/// The key of an example by a model's input: 128 bits of the SHA-256 of its token ids and token types.
struct ExampleKey: Hashable, Comparable, Sendable {
    let high: UInt64
    let low: UInt64

    /// The size of a key in a file, in bytes.
    static let size = 16

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// - Parameter scratch: Memory that is reused for each key.
    init(_ example: EncodedExample, scratch: inout [UInt8]) {
        scratch.removeAll(keepingCapacity: true)
        func append(_ word: UInt32, to bytes: inout [UInt8]) {
            bytes.append(UInt8(truncatingIfNeeded: word))
            bytes.append(UInt8(truncatingIfNeeded: word >> 8))
            bytes.append(UInt8(truncatingIfNeeded: word >> 16))
            bytes.append(UInt8(truncatingIfNeeded: word >> 24))
        }
        // The count first, so that ids and token types cannot be confused.
        append(UInt32(example.inputIDs.count), to: &scratch)
        for id in example.inputIDs { append(UInt32(bitPattern: id), to: &scratch) }
        for type in example.tokenTypeIDs { scratch.append(UInt8(truncatingIfNeeded: type)) }
        (high, low) = scratch.withUnsafeBytes { Digest.short($0) }
    }

    /// The key of a token's output, or of the output of a word without tokens.
    ///
    /// - Parameter token: The token's position in the example; below 0 for a word without tokens.
    func token(_ token: Int32) -> ExampleKey {
        var bytes = [UInt8](repeating: 0, count: 20)
        for byte in 0..<8 {
            bytes[byte] = UInt8(truncatingIfNeeded: high >> (8 * byte))
            bytes[8 + byte] = UInt8(truncatingIfNeeded: low >> (8 * byte))
        }
        for byte in 0..<4 { bytes[16 + byte] = UInt8(truncatingIfNeeded: token >> (8 * Int32(byte))) }
        let (high, low) = bytes.withUnsafeBytes { Digest.short($0) }
        return ExampleKey(high: high, low: low)
    }

    static func < (a: ExampleKey, b: ExampleKey) -> Bool { (a.high, a.low) < (b.high, b.low) }
}
