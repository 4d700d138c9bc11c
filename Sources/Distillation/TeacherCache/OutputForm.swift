import GGUF

/// What a teacher's outputs are, and how they are kept.
struct OutputForm: Sendable, Equatable {
    /// The kind of the rows: `logits`, of a language model `hidden_states` or `top_outcomes`, of an encoder that reads tokens alone
    /// `token_vectors`.
    let kind: String
    /// The numbers of a row.
    let width: Int
    /// The form of a row in a file.
    let coding: TeacherStateCoding

    static func logits(_ classes: Int) -> OutputForm {
        OutputForm(kind: "logits", width: classes, coding: .float32)
    }

    /// The vectors that an encoder gives to tokens alone.
    ///
    /// - Parameter width: The hidden size.
    static func tokenVectors(_ width: Int) -> OutputForm {
        OutputForm(kind: "token_vectors", width: width, coding: .float32)
    }

    /// A language model's teacher.
    ///
    /// - Parameter width: The hidden size.
    static func states(_ width: Int, _ coding: TeacherStateCoding) -> OutputForm {
        OutputForm(
            kind: coding.keepsHiddenStates ? "hidden_states" : "top_outcomes", width: coding.rowWidth(width),
            coding: coding)
    }

    /// A type of numbers in a file.
    private enum Number {
        case float, half
        /// A whole number from −127 to 127.
        case byte
        /// A token's id in three bytes; all bits where there is none, which is −1.
        case token

        var size: Int {
            switch self {
            case .float: 4
            case .half: 2
            case .byte: 1
            case .token: 3
            }
        }
    }

    /// The numbers of a row, as many of each type; a width that a damaged file states may have no room for them.
    private var parts: [(type: Number, count: Int)] {
        wanted.map { ($0.type, max(0, $0.count)) }
    }

    private var wanted: [(type: Number, count: Int)] {
        switch coding {
        case .float32: return [(.float, width)]
        case .float16: return [(.half, width - 1), (.float, 1)]
        case .int8:
            let states = TeacherStateCoding.stateWidth(ofInt8Row: width)
            return [(.byte, states), (.half, width - 1 - states), (.float, 1)]
        case .topK(let count): return [(.token, count), (.float, width - count)]
        }
    }

    /// The bytes of a row in a file.
    var rowBytes: Int { parts.reduce(0) { $0 + $1.type.size * $1.count } }

    /// Appends a row's bytes, little-endian.
    func encode(_ row: ArraySlice<Float>, into bytes: inout [UInt8]) {
        var place = row.startIndex
        for part in parts {
            for value in row[place..<place + part.count] {
                let word: UInt32 =
                    switch part.type {
                    case .float: value.bitPattern
                    case .half: UInt32(HalfPrecision.half(value))
                    case .byte, .token: UInt32(bitPattern: value.isFinite ? Int32(value) : 0)
                    }
                for byte in 0..<part.type.size { bytes.append(UInt8(truncatingIfNeeded: word >> (8 * byte))) }
            }
            place += part.count
        }
    }

    /// Appends the numbers of a row's bytes.
    func decode(_ bytes: UnsafeRawBufferPointer, into values: inout [Float]) {
        forEachNumber(bytes) { type, word in
            switch type {
            case .float: values.append(Float(bitPattern: word))
            case .half: values.append(HalfPrecision.float(half: UInt16(truncatingIfNeeded: word)))
            case .byte: values.append(Float(Int8(truncatingIfNeeded: word)))
            case .token: values.append(word == 0xFF_FFFF ? -1 : Float(word))
            }
        }
    }

    /// Returns true if all numbers of a row's bytes are finite.
    func isFinite(_ bytes: UnsafeRawBufferPointer) -> Bool {
        // All bits of the exponent are set in infinity and NaN, and in them alone.
        var isFinite = true
        forEachNumber(bytes) { type, word in
            switch type {
            case .float: isFinite = isFinite && word & 0x7F80_0000 != 0x7F80_0000
            case .half: isFinite = isFinite && word & 0x7C00 != 0x7C00
            case .byte, .token: break
            }
        }
        return isFinite
    }

    @inline(__always)
    private func forEachNumber(_ bytes: UnsafeRawBufferPointer, _ body: (Number, UInt32) -> Void) {
        var place = 0
        for part in parts {
            for _ in 0..<part.count {
                var word: UInt32 = 0
                for byte in 0..<part.type.size { word |= UInt32(bytes[place + byte]) << (8 * UInt32(byte)) }
                body(part.type, word)
                place += part.type.size
            }
        }
    }
}
