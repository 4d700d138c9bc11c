/// The element types of the safetensors format (as of version 0.8), in the format's order of alignment.
///
/// Source: the `Dtype` enumeration of Hugging Face's safetensors library.
public enum SafetensorsDType: String, CaseIterable, Sendable {
    /// Truth value, one byte.
    case bool = "BOOL"
    /// 4-bit float, two elements per byte.
    case float4 = "F4"
    /// 6-bit float: 2 bits of exponent, 3 of mantissa.
    case float6e2m3 = "F6_E2M3"
    /// 6-bit float: 3 bits of exponent, 2 of mantissa.
    case float6e3m2 = "F6_E3M2"
    case uint8 = "U8"
    case int8 = "I8"
    /// 8-bit float: 5 bits of exponent, 2 of mantissa.
    case float8e5m2 = "F8_E5M2"
    /// 8-bit float: 4 bits of exponent, 3 of mantissa.
    case float8e4m3 = "F8_E4M3"
    /// 8-bit power of two, without sign and mantissa.
    case float8e8m0 = "F8_E8M0"
    /// As ``float8e4m3``, without infinities and negative zero.
    case float8e4m3fnuz = "F8_E4M3FNUZ"
    /// As ``float8e5m2``, without infinities and negative zero.
    case float8e5m2fnuz = "F8_E5M2FNUZ"
    case int16 = "I16"
    case uint16 = "U16"
    case float16 = "F16"
    case bfloat16 = "BF16"
    case int32 = "I32"
    case uint32 = "U32"
    case float32 = "F32"
    /// Complex number of two 32-bit floats.
    case complex64 = "C64"
    case float64 = "F64"
    case int64 = "I64"
    case uint64 = "U64"

    /// The size of one element in bits. It is less than 8 for the packed types.
    public var bitSize: Int {
        switch self {
        case .float4: 4
        case .float6e2m3, .float6e3m2: 6
        case .bool, .uint8, .int8, .float8e5m2, .float8e4m3, .float8e8m0, .float8e4m3fnuz, .float8e5m2fnuz: 8
        case .int16, .uint16, .float16, .bfloat16: 16
        case .int32, .uint32, .float32: 32
        case .complex64, .float64, .int64, .uint64: 64
        }
    }

    /// The index in the format's order, in which the writer sorts tensors (the widest first).
    var alignmentRank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

    /// Every name, for error messages.
    static var knownNames: String { allCases.map(\.rawValue).joined(separator: ", ") }
}
