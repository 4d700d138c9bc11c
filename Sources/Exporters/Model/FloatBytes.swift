import Safetensors

/// Conversion of floating-point numbers to bytes of any of the checkpoint's types, and back.
enum FloatBytes {
    /// The types that weights may have.
    static let types: [SafetensorsDType] = [.float32, .float16, .bfloat16, .float64]

    /// Decodes numbers from little-endian bytes; float64 is rounded to nearest.
    static func decode(_ bytes: UnsafeRawBufferPointer, as dtype: SafetensorsDType) -> [Float] {
        func load<Word: FixedWidthInteger>(_ type: Word.Type, _ value: (Word) -> Float) -> [Float] {
            let width = MemoryLayout<Word>.size
            return [Float](unsafeUninitializedCapacity: bytes.count / width) { buffer, count in
                count = bytes.count / width
                for index in 0..<count {
                    let word = bytes.loadUnaligned(fromByteOffset: index * width, as: Word.self)
                    buffer[index] = value(Word(littleEndian: word))
                }
            }
        }
        switch dtype {
        case .float64: return load(UInt64.self) { Float(Double(bitPattern: $0)) }
        case .float16: return load(UInt16.self, half)
        case .bfloat16: return load(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        default: return load(UInt32.self) { Float(bitPattern: $0) }
        }
    }

    /// Encodes numbers as little-endian bytes, rounded to nearest, ties to even.
    static func encode(_ values: [Float], as dtype: SafetensorsDType) -> [UInt8] {
        func store<Word: FixedWidthInteger>(_ word: (Float) -> Word) -> [UInt8] {
            let width = MemoryLayout<Word>.size
            return [UInt8](unsafeUninitializedCapacity: values.count * width) { buffer, count in
                count = values.count * width
                let raw = UnsafeMutableRawBufferPointer(buffer)
                for (index, value) in values.enumerated() {
                    raw.storeBytes(of: word(value).littleEndian, toByteOffset: index * width, as: Word.self)
                }
            }
        }
        switch dtype {
        case .float64: return store { Double($0).bitPattern }
        case .float16: return store(halfBits)
        case .bfloat16: return store(brainBits)
        default: return store(\.bitPattern)
        }
    }

    /// The largest finite float16 (IEEE 754 binary16).
    static let largestHalf: Float = 65504

    /// Returns the number that the bits of a float16 represent.
    static func half(_ bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let (exponent, fraction) = (Int(bits >> 10 & 0x1F), bits & 0x3FF)
        switch exponent {
        case 0: return sign * Float(fraction) * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default:
            return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + Float(fraction) / 1024)
        }
    }

    /// Returns the bits of the float16 nearest to a number, ties to even.
    ///
    /// Implemented by hand because Swift's `Float16` does not exist on Intel Macs.
    static func halfBits(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        let sign = UInt16(truncatingIfNeeded: bits >> 16) & 0x8000
        let magnitude = bits & 0x7FFF_FFFF
        if magnitude > 0x7F80_0000 { return sign | 0x7E00 }  // NaN
        if magnitude >= 0x477F_F000 { return sign | 0x7C00 }  // 65520 and above round to infinity
        if magnitude < 0x3880_0000 {  // below 2⁻¹⁴: a multiple of 2⁻²⁴
            return sign | UInt16((Float(bitPattern: magnitude) * 0x1p24).rounded(.toNearestOrEven))
        }
        let shifted = magnitude - 0x3800_0000  // the exponent's bias goes from 127 to 15
        return sign | UInt16((shifted + 0xFFF + (shifted >> 13 & 1)) >> 13)
    }

    /// Returns the bits of the bfloat16 nearest to a number, ties to even.
    static func brainBits(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        if bits & 0x7FFF_FFFF > 0x7F80_0000 { return UInt16(bits >> 16) | 0x40 }  // stays NaN
        return UInt16((UInt64(bits) + 0x7FFF + UInt64(bits >> 16 & 1)) >> 16)
    }
}
