import Files
import GGUF
import Safetensors

/// Rows of a checkpoint's tensor in the form that they have in a GGUF file, as floats; only these are read.
struct GGUFTensorRows {
    let tensor: GGUFExportModel.Tensor
    let checkpoint: SafetensorsCheckpoint
    /// The number of rows of a head, for rotary projections.
    let headSize: Int
    /// The checkpoint's path, for messages.
    let path: String

    /// Fills memory with rows, counted in the file's shape.
    ///
    /// - Throws: ``ExportError`` for a number that is not finite, by its place in the checkpoint's tensor.
    func fill(_ rows: Range<Int>, _ target: UnsafeMutableBufferPointer<Float>) throws {
        let columns = tensor.shape.last ?? 1
        guard let base = target.baseAddress else { return }
        let source = Elements(bytes: try checkpoint.bytes(of: tensor.stored.name), dtype: tensor.stored.dtype)
        switch tensor.conversion {
        case .none, .normPlusOne:
            source.read(rows.lowerBound * columns, count: rows.count * columns, into: base)
        case .rotary where tensor.shape.count == 1:
            for place in 0..<columns {
                let own = GGUFConversion.rowInCheckpoint(of: place, headSize: headSize)
                source.read(own, count: 1, into: base + place)
            }
        case .rotary:
            for (place, row) in rows.enumerated() {
                let own = GGUFConversion.rowInCheckpoint(of: row, headSize: headSize)
                source.read(own * columns, count: columns, into: base + place * columns)
            }
        case .transposed:
            // A row of the checkpoint is a column here.
            let length = tensor.stored.shape[1]
            var part = [Float](repeating: 0, count: rows.count)
            for column in 0..<columns {
                part.withUnsafeMutableBufferPointer { part in
                    guard let start = part.baseAddress else { return }
                    source.read(column * length + rows.lowerBound, count: rows.count, into: start)
                }
                for (place, value) in part.enumerated() { base[place * columns + column] = value }
            }
        }
        if let place = target.firstIndex(where: { !$0.isFinite }) {
            throw ExportError(
                "\(path): tensor '\(tensor.stored.name)' holds \(target[place]) (row \(rows.lowerBound + place / columns), column "
                    + "\(place % columns) of '\(tensor.name)'); a model with such weights computes nothing, so train it again or take "
                    + "an earlier checkpoint")
        }
        if tensor.conversion == .normPlusOne { for index in target.indices { target[index] += 1 } }
    }
}

/// The elements of a tensor in any of the types of weights.
private struct Elements {
    let bytes: UnsafeRawBufferPointer
    let dtype: SafetensorsDType

    /// Reads consecutive elements; float64 is rounded to nearest.
    func read(_ first: Int, count: Int, into target: UnsafeMutablePointer<Float>) {
        guard let base = bytes.baseAddress else { return }
        func word<Word: FixedWidthInteger & BitwiseCopyable>(_ index: Int, as type: Word.Type) -> Word {
            Word(
                littleEndian: base.loadUnaligned(
                    fromByteOffset: (first + index) * MemoryLayout<Word>.size, as: Word.self))
        }
        switch dtype {
        case .float64:
            for index in 0..<count { target[index] = Float(Double(bitPattern: word(index, as: UInt64.self))) }
        case .float16:
            for index in 0..<count { target[index] = HalfPrecision.float(half: word(index, as: UInt16.self)) }
        case .bfloat16:
            for index in 0..<count {
                target[index] = HalfPrecision.float(brain: word(index, as: UInt16.self))
            }
        default:
            for index in 0..<count { target[index] = Float(bitPattern: word(index, as: UInt32.self)) }
        }
    }
}
