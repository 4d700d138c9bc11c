/// The float32 values of a tensor: where the mapped file has them, or widened from another type.
struct StoredValues: @unchecked Sendable {
    let pointer: UnsafePointer<Float>
    let count: Int
    /// What keeps the memory.
    let owner: AnyObject

    /// Values that stay in their file, which the owner keeps open.
    init(mapped pointer: UnsafePointer<Float>, count: Int, owner: AnyObject) {
        self.pointer = pointer
        self.count = count
        self.owner = owner
    }

    init(_ buffer: AlignedBuffer<Float>) {
        pointer = UnsafePointer(buffer.pointer)
        count = buffer.count
        owner = buffer
    }

    /// Zeros.
    init(zeros count: Int) throws {
        let buffer = try AlignedBuffer<Float>(count: count)
        buffer.pointer.update(repeating: 0, count: count)
        self.init(buffer)
    }

    /// The values from a place on, of the same memory.
    func dropping(_ first: Int) -> StoredValues {
        StoredValues(mapped: pointer + first, count: count - first, owner: owner)
    }

    /// True if no value is infinite or not a number.
    var areFinite: Bool { UnsafeBufferPointer(start: pointer, count: count).areFinite }
}

/// A matrix as a checkpoint stores it, (rows, columns): float32, or int8 with a scale for each row.
enum StoredMatrix: Sendable {
    case float32(StoredValues)
    case int8(Int8Values)

    /// An int8 matrix: element (r, c) is `values[r, c] · scales[r]`.
    struct Int8Values: @unchecked Sendable {
        let values: UnsafePointer<Int8>
        let scales: StoredValues
        /// What a layer's input is quantized with where that is fixed; `nil` for a scale of each row.
        let input: (scale: Float, zeroPoint: Int8)?
        /// What keeps the memory of the values.
        let owner: AnyObject
    }
}

extension StoredMatrix {
    /// The rows from one on, of the same memory.
    func dropping(_ rows: Int, columns: Int) -> StoredMatrix {
        switch self {
        case .float32(let values): .float32(values.dropping(rows * columns))
        case .int8(let int8):
            .int8(
                Int8Values(
                    values: int8.values + rows * columns, scales: int8.scales.dropping(rows),
                    input: int8.input, owner: int8.owner))
        }
    }

    /// A copy in float32, row after row.
    func floats(columns: Int, rows: Int) throws -> AlignedBuffer<Float> {
        let copy = try AlignedBuffer<Float>(count: rows * columns)
        switch self {
        case .float32(let values):
            withExtendedLifetime(values) {
                copy.pointer.update(from: values.pointer, count: rows * columns)
            }
        case .int8(let int8):
            withExtendedLifetime(int8) {
                for index in 0..<rows * columns {
                    copy.pointer[index] = Float(int8.values[index]) * int8.scales.pointer[index / columns]
                }
            }
        }
        return copy
    }
}
