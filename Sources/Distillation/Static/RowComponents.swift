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
        let directions = try PrincipalDirections(of: rows, count: count)
        explainedVariance = directions.explainedVariance
        let along = try Tensor.concatenated(
            PrincipalDirections.parts(try rows.size(0)).map { range in
                let part = try rows.sliced(dimension: 0, range).to(.float64)
                return try (part - directions.mean).matmul(directions.columns).to(.float32)
            })
        let farthest = try along.absolute().argmax(dimension: 0, keepDimensions: true)
        let isNegative = try along.gathered(dimension: 0, farthest).less(0)
        scores = try along * (isNegative.to(.float32) * -2 + 1)
    }
}
