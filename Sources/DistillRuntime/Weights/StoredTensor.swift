import CKernels
import Safetensors

/// A tensor of floating point where the mapped file has it, in the type that it has there.
struct StoredTensor: @unchecked Sendable {
    /// The type, as the kernels number it.
    let type: Int32
    let bytes: UnsafeRawBufferPointer
    /// The name in the file.
    let name: String
    /// What keeps the file mapped.
    private let owner: AnyObject

    /// - Parameters:
    ///   - bytes: The tensor's bytes.
    ///   - info: Its type and name.
    ///   - path: The model's path, for messages.
    ///   - owner: What keeps the file mapped.
    /// - Throws: ``RuntimeError`` for a type that is none of floating point.
    init(_ bytes: UnsafeRawBufferPointer, _ info: TensorInfo, path: String, owner: AnyObject) throws {
        switch info.dtype {
        case .float32: type = Int32(CK_FLOAT32)
        case .float16: type = Int32(CK_FLOAT16)
        case .bfloat16: type = Int32(CK_BFLOAT16)
        case .float64: type = Int32(CK_FLOAT64)
        default:
            throw RuntimeError(
                "\(path): tensor '\(info.name)' has the type \(info.dtype.rawValue); weights must be F32, F16, BF16 or F64, or I8 "
                    + "with a \"quantization_config\" in config.json")
        }
        (self.bytes, self.owner, name) = (bytes, owner, info.name)
    }

    /// - Parameters:
    ///   - type: The type, as the kernels number it.
    ///   - bytes: The tensor's bytes.
    ///   - name: The name in the file.
    ///   - owner: What keeps the bytes.
    init(_ type: Int, _ bytes: UnsafeRawBufferPointer, name: String, owner: AnyObject) {
        (self.type, self.bytes, self.name, self.owner) = (Int32(type), bytes, name, owner)
    }

    /// The bytes of an element.
    var elementSize: Int {
        switch Int(type) {
        case CK_FLOAT16, CK_BFLOAT16: 2
        case CK_FLOAT64: 8
        default: 4
        }
    }

    /// True if no element is infinite or not a number.
    var isFinite: Bool {
        let count = bytes.count / elementSize
        var part = [Float](repeating: 0, count: min(count, 1 << 16))
        return part.withUnsafeMutableBufferPointer { part in
            stride(from: 0, to: count, by: 1 << 16).allSatisfy { first in
                part.baseAddress.map { widen(from: first, count: min(1 << 16, count - first), to: $0) }
                    ?? true
            }
        }
    }

    /// Copies elements as float32.
    ///
    /// - Returns: False where one of them is infinite or not a number.
    func widen(from first: Int, count: Int, to target: UnsafeMutablePointer<Float>) -> Bool {
        guard let start = bytes.baseAddress else { return count == 0 }
        return ck_widen(type, start + first * elementSize, Int64(count), target)
    }
}
