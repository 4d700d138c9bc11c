import Torch

/// The directions in which rows of numbers differ most, in float64.
struct PrincipalDirections {
    /// (1, H) the mean of the rows.
    let mean: Tensor
    /// (H, K) the directions in columns, each of length 1, by falling variance; which of a direction and its opposite is the solver's
    /// choice.
    let columns: Tensor
    /// The part of the rows' variance that the directions have, from 0 to 1.
    let explainedVariance: Double

    /// The rows that are converted to float64 at once.
    private static let rowsAtOnce = 16_384

    /// Parts of some rows that are converted to float64 at once.
    static func parts(_ count: Int) -> [Range<Int>] {
        stride(from: 0, to: count, by: rowsAtOnce).map { $0..<min($0 + rowsAtOnce, count) }
    }

    /// - Parameters:
    ///   - rows: (N, H) on the CPU, with N above 1.
    ///   - count: K, from 1 to H.
    /// - Throws: `TorchError` where memory is short, or numbers are not finite.
    init(of rows: Tensor, count: Int) throws {
        let (total, width) = (try rows.size(0), try rows.size(1))
        let parts = Self.parts(total)
        func part(_ range: Range<Int>) throws -> Tensor {
            try rows.sliced(dimension: 0, range).to(.float64)
        }
        var sum = try Tensor.zeros([1, width], dtype: .float64)
        for range in parts { sum = try sum + part(range).sum(0, keepDimensions: true) }
        mean = try sum / Double(total)
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
        columns = try vectors.indexSelect(
            dimension: 1, Tensor((0..<count).map { Int64(width - 1 - $0) }))
    }
}
