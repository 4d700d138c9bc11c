import Torch

/// The principal components of rows of numbers: the directions in which they differ most, and the rows along these.
///
/// Sums are of float64. Of a direction and its opposite that one is taken along which the row farthest from the mean is positive, so
/// that the result does not depend on the solver.
struct RowComponents {
    /// (N, K) float32: the rows less their mean, along the components, in the order of their variance.
    let scores: Tensor
    /// The part of the rows' variance that the components have, from 0 to 1.
    let explainedVariance: Double

    /// - Parameters:
    ///   - rows: (N, H) on the CPU, with N above 1.
    ///   - count: K, from 1 to H.
    /// - Throws: `TorchError` where memory is short, or numbers are not finite.
    init(of rows: Tensor, count: Int) throws {
        let (total, width) = (try rows.size(0), try rows.size(1))
        let parts = stride(from: 0, to: total, by: Self.rowsAtOnce).map { start in
            start..<min(start + Self.rowsAtOnce, total)
        }
        func part(_ range: Range<Int>) throws -> Tensor {
            try rows.sliced(dimension: 0, range).to(.float64)
        }
        var sum = try Tensor.zeros([1, width], dtype: .float64)
        for range in parts { sum = try sum + part(range).sum(0, keepDimensions: true) }
        let mean = try sum / Double(total)
        var products = try Tensor.zeros([width, width], dtype: .float64)
        for range in parts {
            let centered = try part(range) - mean
            products = try products + centered.transposed().matmul(centered)
        }
        let (values, vectors) = try (products / Double(total - 1)).symmetricEigenvectors()
        // They come in ascending order; rounding can make one of no variance negative.
        let variances: [Double] = try values.array(of: Double.self).reversed().map { max($0, 0) }
        let variance = variances.reduce(0, +)
        explainedVariance = variance > 0 ? variances[..<count].reduce(0, +) / variance : 1
        let order = (0..<count).map { Int64(width - 1 - $0) }
        let components = try vectors.indexSelect(dimension: 1, Tensor(order))
        let along = try Tensor.concatenated(
            parts.map { try (part($0) - mean).matmul(components).to(.float32) })
        let farthest = try along.absolute().argmax(dimension: 0, keepDimensions: true)
        let isNegative = try along.gathered(dimension: 0, farthest).less(0)
        scores = try along * (isNegative.to(.float32) * -2 + 1)
    }

    /// Bounds the memory of float64 copies.
    private static let rowsAtOnce = 16_384
}
