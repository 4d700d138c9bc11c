import Safetensors

extension StoredValues {
    /// A tensor's values where they are, or a copy as float32.
    ///
    /// - Parameters:
    ///   - bytes: The tensor's bytes.
    ///   - info: Its type and shape.
    ///   - name: Its name, for messages.
    ///   - path: The model's path, for messages.
    ///   - owner: What keeps the bytes.
    /// - Throws: ``RuntimeError`` for a type that is none of floating point.
    init(_ bytes: UnsafeRawBufferPointer, _ info: TensorInfo, name: String, path: String, owner: AnyObject)
        throws
    {
        let count = info.shape.reduce(1, *)
        if info.dtype == .float32, let start = bytes.baseAddress,
            Int(bitPattern: start).isMultiple(of: MemoryLayout<Float>.alignment)
        {
            self.init(mapped: start.assumingMemoryBound(to: Float.self), count: count, owner: owner)
            return
        }
        let buffer = try AlignedBuffer<Float>(count: count)
        func copy<Stored: BitwiseCopyable>(_ type: Stored.Type, _ widen: (Stored) -> Float) {
            for index in 0..<count {
                buffer.pointer[index] = widen(
                    bytes.loadUnaligned(fromByteOffset: index * MemoryLayout<Stored>.size, as: Stored.self))
            }
        }
        switch info.dtype {
        case .float32: copy(Float.self) { $0 }
        case .bfloat16: copy(UInt16.self) { Float(bitPattern: UInt32($0) << 16) }
        case .float16: copy(UInt16.self, Self.half)
        case .float64: copy(Double.self) { Float($0) }
        default:
            throw RuntimeError(
                "\(path): tensor '\(name)' has the type \(info.dtype.rawValue); weights must be F32, F16, BF16 or F64, or I8 "
                    + "with a \"quantization_config\" in config.json")
        }
        self.init(buffer)
    }

    /// A float16 as float32 (IEEE 754).
    private static func half(_ bits: UInt16) -> Float {
        let sign = UInt32(bits & 0x8000) << 16
        let exponent = UInt32(bits >> 10) & 0x1F
        let fraction = UInt32(bits & 0x3FF)
        switch exponent {
        case 0: return Float(sign: sign == 0 ? .plus : .minus, exponent: -24, significand: Float(fraction))
        case 0x1F: return Float(bitPattern: sign | 0x7F80_0000 | fraction << 13)
        default: return Float(bitPattern: sign | (exponent + 112) << 23 | fraction << 13)
        }
    }
}
