import GGUF

/// What a teacher's outputs are, and how they are kept.
struct OutputForm: Sendable, Equatable {
    /// The kind of the rows: `logits`, or `hidden_states` of a language model.
    let kind: String
    /// The numbers of a row.
    let width: Int
    /// The form of a row in a file.
    let coding: HiddenStateCoding

    static func logits(_ classes: Int) -> OutputForm {
        OutputForm(kind: "logits", width: classes, coding: .float32)
    }

    /// A language model's last hidden states.
    ///
    /// - Parameter width: The hidden size.
    static func hiddenStates(_ width: Int, _ coding: HiddenStateCoding) -> OutputForm {
        OutputForm(kind: "hidden_states", width: coding.rowWidth(width), coding: coding)
    }

    /// The bytes of a row in a file.
    var rowBytes: Int { coding.rowBytes(width) }

    /// Appends a row's bytes, little-endian.
    func encode(_ row: ArraySlice<Float>, into bytes: inout [UInt8]) {
        func append(_ word: UInt32, _ count: Int) {
            for byte in 0..<count { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * byte))) }
        }
        let halves = coding == .float16 ? width - 1 : 0
        for (column, value) in row.enumerated() {
            if column < halves {
                append(UInt32(HalfPrecision.half(value)), 2)
            } else {
                append(value.bitPattern, 4)
            }
        }
    }

    /// Appends the numbers of a row's bytes.
    func decode(_ bytes: UnsafeRawBufferPointer, into values: inout [Float]) {
        let halves = coding == .float16 ? width - 1 : 0
        for column in 0..<halves {
            let bits = bytes.loadUnaligned(fromByteOffset: 2 * column, as: UInt16.self)
            values.append(HalfPrecision.float(half: UInt16(littleEndian: bits)))
        }
        for column in 0..<width - halves {
            let bits = bytes.loadUnaligned(fromByteOffset: 2 * halves + 4 * column, as: UInt32.self)
            values.append(Float(bitPattern: UInt32(littleEndian: bits)))
        }
    }

    /// Returns true if all numbers of a row's bytes are finite.
    func isFinite(_ bytes: UnsafeRawBufferPointer) -> Bool {
        let halves = coding == .float16 ? width - 1 : 0
        // All bits of the exponent are set in infinity and NaN, and in them alone.
        for column in 0..<halves {
            let bits = bytes.loadUnaligned(fromByteOffset: 2 * column, as: UInt16.self)
            if UInt16(littleEndian: bits) & 0x7C00 == 0x7C00 { return false }
        }
        for column in 0..<width - halves {
            let bits = bytes.loadUnaligned(fromByteOffset: 2 * halves + 4 * column, as: UInt32.self)
            if UInt32(littleEndian: bits) & 0x7F80_0000 == 0x7F80_0000 { return false }
        }
        return true
    }
}
