import Torch

/// Operations that several losses share.
extension Tensor {
    /// Divides by the Euclidean norm along a dimension; zeros stay zeros, and have a finite gradient.
    func normalized(dimension: Int = -1) throws -> Tensor {
        let norm = try norm(dimension, keepDimensions: true)
        let isZero = try norm.detached().lessOrEqual(1e-12).to(norm.dtype)
        return try self / (norm + isZero)
    }

    /// Subtracts the mean along a dimension.
    func centered(dimension: Int) throws -> Tensor {
        try self - mean(dimension, keepDimensions: true)
    }

    /// Huber's loss of each element's difference, quadratic up to 1 and linear beyond.
    func huber(_ target: Tensor) throws -> Tensor {
        let difference = try (self - target).absolute()
        let inner = try difference.clampedAbove(1)
        return try inner * (difference - inner * 0.5)
    }

    /// 0, in the graph: the loss of a batch without anything to compare.
    func zeroInGraph() throws -> Tensor { try sum() * 0 }

    /// Σ target · (log target − self) over the classes: (B), of log-probabilities (B, C) on both sides.
    func rowDivergences(logTarget: Tensor) throws -> Tensor {
        try (logTarget.exp() * (logTarget - self)).sum(-1)
    }
}
