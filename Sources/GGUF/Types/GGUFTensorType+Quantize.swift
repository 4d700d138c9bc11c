extension GGUFTensorType {
    /// True if tensors of this type can be written from floats.
    public var isWritable: Bool { hasReference || isSearched }

    /// True if there is a plain rule by which ggml's reference rounds floats to this type, and Python's `gguf` with it.
    public var hasReference: Bool {
        switch self {
        case .f32, .f16, .bf16, .q80, .q40, .q41, .q50, .q51: true
        default: false
        }
    }

    /// True if scales of this type are searched for; see ``GGUFRounding/search(importance:)``.
    public var isSearched: Bool {
        switch self {
        case .q40, .q41, .q50, .q51, .q4K, .q5K, .q6K: true
        default: false
        }
    }

    /// The largest magnitude that a type, or the scale of its blocks, can hold.
    var largest: Float {
        switch self {
        case .f32, .bf16: .greatestFiniteMagnitude
        // Of the largest value the scale is a 127th, at most a seventh, and at most a fifteenth.
        case .q80: 65_504 * 127
        case .q40: 65_504 * 7
        case .q50: 65_504 * 15
        default: 65_504
        }
    }

    /// Turns floats into blocks, as ggml's reference does, to the last bit.
    ///
    /// - Parameters:
    ///   - source: `count` × ``blockSize`` floats, which are finite.
    ///   - count: the number of blocks.
    ///   - target: room for `count` × ``blockBytes`` bytes, at any address.
    /// - Returns: false, with nothing written, if the type does not have a reference (``hasReference``).
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

    /// Turns floats into blocks of the least error.
    ///
    /// - Parameters:
    ///   - source: `count` × ``blockSize`` floats, which are finite.
    ///   - importance: what the square of an error of each counts, numbers of at least 0; `nil` where all count the same.
    ///   - count: the number of blocks.
    ///   - target: room for `count` × ``blockBytes`` bytes, at any address.
    /// - Returns: false, with nothing written, if nothing is searched for in this type (``isSearched``).
    func search(
        _ source: UnsafePointer<Float>, importance: UnsafePointer<Float>?, count: Int,
        into target: UnsafeMutableRawPointer
    ) -> Bool {
        guard isSearched else { return false }
        for index in 0..<count {
            let values = source + index * blockSize
            let own = importance.map { $0 + index * blockSize }
            let block = target + index * blockBytes
            switch self {
            case .q40: SmallBlockSearch.symmetric(values, own, block, bits: 4)
            case .q50: SmallBlockSearch.symmetric(values, own, block, bits: 5)
            case .q41: SmallBlockSearch.affine(values, own, block, bits: 4)
            case .q51: SmallBlockSearch.affine(values, own, block, bits: 5)
            case .q4K: SuperBlockSearch.affine(values, own, block, bits: 4)
            case .q5K: SuperBlockSearch.affine(values, own, block, bits: 5)
            default: SuperBlockSearch.q6K(values, own, block)
            }
        }
        return true
    }
}

/// How floats become the numbers of a quantized type.
public enum GGUFRounding: Sendable, Equatable {
    /// By ggml's reference, to the last bit; types without one are searched.
    case reference
    /// With the scales of the least error, weighted by what an error of each column counts: the mean of the squares of what it is
    /// multiplied by. `nil` where all count the same. Types in which nothing is searched for are rounded by the reference.
    case search(importance: [Float]?)
    /// By the rule that training for a type rounds with (``GGUFTensorType/isTrained``): a search through fewer scales. Types without it
    /// are rounded by the reference.
    case trained
}

extension UnsafeMutableRawPointer {
    /// Writes a number in little-endian order.
    @inline(__always)
    func store(_ number: some FixedWidthInteger & BitwiseCopyable, at offset: Int) {
        storeBytes(of: number.littleEndian, toByteOffset: offset, as: type(of: number))
    }
}
