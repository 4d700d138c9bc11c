import Tokenizers

/// A table of vectors by token, whose mean over a text's tokens is the text's vector: sentence-transformers' `StaticEmbedding`, and
/// model2vec's form of it (`embeddings`, with `mapping` and `weights` where it has them).
final class TokenTable: @unchecked Sendable {
    /// The width of a vector.
    let width: Int
    /// The number of tokens.
    let count: Int
    private let rows: StoredValues
    /// The row of each token; `nil` where rows are tokens.
    private let mapping: [Int32]?
    /// The weight of each token; `nil` for 1.
    private let weights: StoredValues?
    private let path: String

    /// - Throws: ``RuntimeError`` for a tensor that is missing or does not fit; the errors of the weights' file.
    init(_ path: String) throws {
        self.path = path
        let tensors = try StageTensors(path)
        let name = tensors.shape("embedding.weight") != nil ? "embedding.weight" : "embeddings"
        guard let shape = tensors.shape(name) else {
            throw RuntimeError(
                "\(path): has no tensor 'embedding.weight' or 'embeddings'; copy the whole directory of the model"
            )
        }
        guard shape.count == 2, shape[0] > 0, shape[1] > 0 else {
            throw RuntimeError(
                "\(path): tensor '\(name)' has the shape \(shape); a table of tokens and components is needed"
            )
        }
        width = shape[1]
        rows = try tensors.values(name, shape: shape)
        mapping = try name == "embeddings" ? Self.mapping(tensors, rows: shape[0], path) : nil
        count = mapping?.count ?? shape[0]
        weights =
            try name == "embeddings" && tensors.shape("weights") != nil
            ? tensors.values("weights", shape: [count]) : nil
    }

    private static func mapping(_ tensors: StageTensors, rows: Int, _ path: String) throws -> [Int32]? {
        guard let shape = tensors.shape("mapping"), let dtype = tensors.dtype("mapping") else { return nil }
        let bytes = try tensors.bytes("mapping")
        guard shape.count == 1, ["I32", "I64"].contains(dtype) else {
            throw RuntimeError(
                "\(path): tensor 'mapping' must be a list of whole numbers (I64), not \(dtype) \(shape)")
        }
        return try (0..<shape[0]).map { token in
            let row =
                dtype == "I64"
                ? Int(bytes.loadUnaligned(fromByteOffset: token * 8, as: Int64.self))
                : Int(bytes.loadUnaligned(fromByteOffset: token * 4, as: Int32.self))
            guard (0..<rows).contains(row) else {
                throw RuntimeError(
                    "\(path): tensor 'mapping' leads from token \(token) to row \(row), of \(rows) rows; use the files that belong "
                        + "together")
            }
            return Int32(row)
        }
    }

    /// The texts' vectors, (B, width); a text without tokens has zeros.
    ///
    /// - Throws: ``RuntimeError`` for an id outside of the table.
    func vectors(_ encoding: FlatEncoding) throws -> [Float] {
        if let token = encoding.ids.first(where: { $0 < 0 || Int($0) >= count }) {
            throw RuntimeError(
                "\(path): a text has the token id \(token), the table \(count) tokens; use the tokenizer that belongs to the model"
            )
        }
        var vectors = [Float](repeating: 0, count: encoding.count * width)
        vectors.withUnsafeMutableBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return }
            for text in 0..<encoding.count {
                setMean(of: encoding[text], base + text * width)
            }
        }
        return vectors
    }

    /// The mean of tokens' rows; zeros where there are none.
    ///
    /// A block of columns at a time, whose sums stay in registers.
    private func setMean(of ids: ArraySlice<Int32>, _ vector: UnsafeMutablePointer<Float>) {
        guard !ids.isEmpty else { return }
        let count = Float(ids.count)
        var column = 0
        while column + 32 <= width {
            var (first, second) = (SIMD16<Float>(repeating: 0), SIMD16<Float>(repeating: 0))
            for id in ids {
                let weight = weights?.pointer[Int(id)] ?? 1
                let row = UnsafeRawPointer(row(id) + column)
                first += row.loadUnaligned(as: SIMD16<Float>.self) * weight
                second += row.loadUnaligned(fromByteOffset: 64, as: SIMD16<Float>.self) * weight
            }
            let place = UnsafeMutableRawPointer(vector + column)
            place.storeBytes(of: first / count, as: SIMD16<Float>.self)
            place.storeBytes(of: second / count, toByteOffset: 64, as: SIMD16<Float>.self)
            column += 32
        }
        while column < width {
            var sum: Float = 0
            for id in ids { sum += row(id)[column] * (weights?.pointer[Int(id)] ?? 1) }
            vector[column] = sum / count
            column += 1
        }
    }

    private func row(_ id: Int32) -> UnsafePointer<Float> {
        rows.pointer + Int(mapping?[Int(id)] ?? id) * width
    }
}
