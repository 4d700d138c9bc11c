extension GGUFConversion {
    /// Turns the values of a Hugging Face checkpoint's tensor into those of a GGUF file.
    ///
    /// - Parameters:
    ///   - values: the values, in row-major order.
    ///   - shape: the shape in the checkpoint; what is transposed has two axes.
    ///   - headSize: the number of rows of a head, an even number; for rotary projections only.
    /// - Returns: the values in row-major order; of what is transposed, the shape is the reverse.
    public func valuesInFile(_ values: [Float], shape: [Int], headSize: Int = 1) -> [Float] {
        switch self {
        case .none: return values
        case .normPlusOne: return values.map { $0 + 1 }
        case .rotary:
            let rows = shape.first ?? 1
            let columns = rows == 0 ? 0 : values.count / rows
            var result = values
            for row in 0..<rows {
                let own = Self.rowInFile(of: row, headSize: headSize)
                for column in 0..<columns { result[own * columns + column] = values[row * columns + column] }
            }
            return result
        case .transposed:
            guard shape.count == 2 else { return values }
            let (rows, columns) = (shape[0], shape[1])
            var result = values
            for row in 0..<rows {
                for column in 0..<columns { result[column * rows + row] = values[row * columns + column] }
            }
            return result
        }
    }
}
