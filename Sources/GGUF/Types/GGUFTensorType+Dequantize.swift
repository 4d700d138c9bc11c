extension GGUFTensorType {
    /// True if tensors of this type can be turned into floats.
    public var isReadable: Bool {
        switch self {
        case .f32, .f16, .bf16, .f64, .i8, .i16, .i32: true
        case .q40, .q41, .q50, .q51, .q80, .iq4NL: true
        case .q2K, .q3K, .q4K, .q5K, .q6K, .q8K: true
        default: false
        }
    }

    /// True if every value of this type is a 16-bit number as it stands.
    public var isSixteenBit: Bool { self == .f16 || self == .bf16 }

    /// Turns blocks into floats, as ggml does, to the last bit.
    ///
    /// - Parameters:
    ///   - source: `count` blocks, at any address.
    ///   - count: the number of blocks.
    ///   - target: room for `count` × ``blockSize`` floats.
    /// - Returns: false, with nothing written, if the type is not ``isReadable``.
    func dequantize(
        _ source: UnsafeRawPointer, count: Int, into target: UnsafeMutablePointer<Float>
    ) -> Bool {
        switch self {
        case .f32:
            target.withMemoryRebound(to: UInt8.self, capacity: 4 * count) { Self.copy(source, 4 * count, $0) }
        case .f16:
            for index in 0..<count { target[index] = HalfPrecision.float(half: source.word(2 * index)) }
        case .bf16:
            for index in 0..<count { target[index] = HalfPrecision.float(brain: source.word(2 * index)) }
        case .f64:
            for index in 0..<count {
                let bits = source.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)
                target[index] = Float(Double(bitPattern: UInt64(littleEndian: bits)))
            }
        case .i8: for index in 0..<count { target[index] = Float(Int8(bitPattern: source.byte(index))) }
        case .i16: for index in 0..<count { target[index] = Float(Int16(bitPattern: source.word(2 * index))) }
        case .i32:
            for index in 0..<count {
                target[index] = Float(
                    Int32(littleEndian: source.loadUnaligned(fromByteOffset: 4 * index, as: Int32.self)))
            }
        case .q40: Self.each(source, target, count, 18, 32, SmallBlocks.q40)
        case .q41: Self.each(source, target, count, 20, 32, SmallBlocks.q41)
        case .q50: Self.each(source, target, count, 22, 32, SmallBlocks.q50)
        case .q51: Self.each(source, target, count, 24, 32, SmallBlocks.q51)
        case .q80: Self.each(source, target, count, 34, 32, SmallBlocks.q80)
        case .iq4NL: Self.each(source, target, count, 18, 32, SmallBlocks.iq4NL)
        case .q2K: Self.each(source, target, count, 84, 256, SuperBlocks.q2K)
        case .q3K: Self.each(source, target, count, 110, 256, SuperBlocks.q3K)
        case .q4K: Self.each(source, target, count, 144, 256, SuperBlocks.q4K)
        case .q5K: Self.each(source, target, count, 176, 256, SuperBlocks.q5K)
        case .q6K: Self.each(source, target, count, 210, 256, SuperBlocks.q6K)
        case .q8K: Self.each(source, target, count, 292, 256, SuperBlocks.q8K)
        default: return false
        }
        return true
    }

    private static func copy(_ source: UnsafeRawPointer, _ count: Int, _ target: UnsafeMutablePointer<UInt8>)
    {
        UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: count)
    }

    /// Calls a decoder for each block.
    @inline(__always)
    private static func each(
        _ source: UnsafeRawPointer, _ target: UnsafeMutablePointer<Float>, _ count: Int, _ bytes: Int,
        _ elements: Int, _ decode: (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void
    ) {
        for block in 0..<count { decode(source + block &* bytes, target + block &* elements) }
    }
}

extension UnsafeRawPointer {
    @inline(__always)
    func byte(_ offset: Int) -> UInt8 { load(fromByteOffset: offset, as: UInt8.self) }

    /// A little-endian number of 16 bits.
    @inline(__always)
    func word(_ offset: Int) -> UInt16 {
        UInt16(littleEndian: loadUnaligned(fromByteOffset: offset, as: UInt16.self))
    }

    /// A half, as a float.
    @inline(__always)
    func half(_ offset: Int) -> Float { HalfPrecision.float(half: word(offset)) }

    /// Sixteen bytes.
    @inline(__always)
    func sixteen(_ offset: Int) -> SIMD16<UInt8> {
        loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
    }
}

extension UnsafeMutablePointer<Float> {
    @inline(__always)
    func store(_ values: SIMD16<Float>, at offset: Int) {
        UnsafeMutableRawPointer(self + offset).storeBytes(of: values, as: SIMD16<Float>.self)
    }
}
