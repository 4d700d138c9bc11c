import Storage

/// The writing of a tensor's rows, some at a time, quantized on several threads.
struct TensorWriting {
    let tensor: GGUFOutputTensor
    /// The path that errors name.
    let path: String
    let threads: Int
    let floatsAtOnce: Int

    /// - Throws: ``GGUFError`` for a value that the type cannot hold; what the tensor's source throws; `FileError`.
    func write(to writer: FileWriter) throws {
        let columns = tensor.shape.last ?? 1
        let rows = tensor.shape.dropLast().reduce(1, *)
        if rows * columns == 0 { return }
        let step = max(1, min(rows, floatsAtOnce / columns))
        let rowBytes = columns / tensor.type.blockSize * tensor.type.blockBytes
        var floats = [Float](repeating: 0, count: step * columns)
        var bytes = [UInt8](repeating: 0, count: step * rowBytes)
        for first in stride(from: 0, to: rows, by: step) {
            let part = first..<min(first + step, rows)
            let count = part.count * columns
            try floats.withUnsafeMutableBufferPointer { buffer in
                let target = UnsafeMutableBufferPointer(rebasing: buffer[..<count])
                try tensor.rows(part, target)
                try check(target)
            }
            try floats.withUnsafeBufferPointer { source in
                try bytes.withUnsafeMutableBytes { target in
                    guard let from = source.baseAddress, let to = target.baseAddress else { return }
                    quantize(from, rows: part.count, columns: columns, rowBytes: rowBytes, into: to)
                    try writer.write(UnsafeRawBufferPointer(rebasing: target[..<(part.count * rowBytes)]))
                }
            }
        }
    }

    private func check(_ values: UnsafeMutableBufferPointer<Float>) throws {
        guard tensor.type != .f32,
            let value = values.first(where: { !($0.magnitude <= tensor.type.largest) })
        else { return }
        throw GGUFError(
            path, tensor: tensor.name, "holds \(value), which \(tensor.type.name) cannot; write it as F32")
    }

    /// Rows are independent, so the threads' shares do not show in the bytes.
    private func quantize(
        _ source: UnsafePointer<Float>, rows: Int, columns: Int, rowBytes: Int,
        into target: UnsafeMutableRawPointer
    ) {
        if tensor.rounding == .trained,
            tensor.type.roundTrained(source, rows: rows, columns: columns, values: nil, blocks: target)
        {
            return
        }
        let pieces = max(1, min(threads, rows))
        let blocks = columns / tensor.type.blockSize
        func quantize(_ piece: Int, _ importance: UnsafePointer<Float>?) {
            for row in rows * piece / pieces..<rows * (piece + 1) / pieces {
                let (from, to) = (source + row * columns, target + row * rowBytes)
                if tensor.rounding == .reference, tensor.type.quantize(from, count: blocks, into: to) {
                    continue
                }
                if tensor.type.search(from, importance: importance, count: blocks, into: to) { continue }
                _ = tensor.type.quantize(from, count: blocks, into: to)
            }
        }
        guard case .search(let importance?) = tensor.rounding else {
            return Threads.perform(pieces) { quantize($0, nil) }
        }
        importance.withUnsafeBufferPointer { importance in
            Threads.perform(pieces) { quantize($0, importance.baseAddress) }
        }
    }
}
