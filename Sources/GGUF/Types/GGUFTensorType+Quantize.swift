extension GGUFTensorType {
    /// True if tensors of this type can be written from floats.
    public var isWritable: Bool {
        switch self {
        case .f32, .f16, .bf16, .q80, .q40, .q41, .q50, .q51: true
        default: false
        }
    }

    /// The largest magnitude that a type, or the scale of its blocks, can hold.
    var largest: Float { self == .f32 || self == .bf16 ? .greatestFiniteMagnitude : 65_504 }

    /// Turns floats into blocks, as ggml's reference does, to the last bit.
    ///
    /// - Parameters:
    ///   - source: `count` × ``blockSize`` floats, which are finite.
    ///   - count: the number of blocks.
    ///   - target: room for `count` × ``blockBytes`` bytes, at any address.
    /// - Returns: false, with nothing written, if the type is not ``isWritable``.
    func quantize(
        _ source: UnsafePointer<Float>, count: Int, into target: UnsafeMutableRawPointer
    ) -> Bool {
        switch self {
        case .f32:
            for index in 0..<count { target.store(source[index].bitPattern, at: 4 * index) }
        case .f16: for index in 0..<count { target.store(HalfPrecision.half(source[index]), at: 2 * index) }
        case .bf16: for index in 0..<count { target.store(HalfPrecision.brain(source[index]), at: 2 * index) }
        case .q80: for block in 0..<count { BlockQuantizer.q80(source + 32 * block, target + 34 * block) }
        case .q40:
            for block in 0..<count {
                BlockQuantizer.symmetric(source + 32 * block, target + 18 * block, bits: 4)
            }
        case .q50:
            for block in 0..<count {
                BlockQuantizer.symmetric(source + 32 * block, target + 22 * block, bits: 5)
            }
        case .q41:
            for block in 0..<count {
                BlockQuantizer.affine(source + 32 * block, target + 20 * block, bits: 4)
            }
        case .q51:
            for block in 0..<count {
                BlockQuantizer.affine(source + 32 * block, target + 24 * block, bits: 5)
            }
        default: return false
        }
        return true
    }
}

extension UnsafeMutableRawPointer {
    /// Writes a number in little-endian order.
    @inline(__always)
    func store(_ number: some FixedWidthInteger & BitwiseCopyable, at offset: Int) {
        storeBytes(of: number.littleEndian, toByteOffset: offset, as: type(of: number))
    }
}
