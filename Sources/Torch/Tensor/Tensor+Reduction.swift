import CTorch

/// Reductions. Without dimensions, over all of them; `keepDimensions` leaves them with a size of 1.
extension Tensor {
    private func reduced(_ operation: ct_reduction, _ dimensions: [Int], _ keep: Bool) throws -> Tensor {
        try withInt64(dimensions) { dims, count in
            try .make { ct_reduce(operation, handle, dims, count, keep, $0) }
        }
    }

    public func sum(_ dimensions: Int..., keepDimensions: Bool = false) throws -> Tensor {
        try reduced(CT_SUM, dimensions, keepDimensions)
    }

    public func mean(_ dimensions: Int..., keepDimensions: Bool = false) throws -> Tensor {
        try reduced(CT_MEAN, dimensions, keepDimensions)
    }

    public func max(_ dimensions: Int..., keepDimensions: Bool = false) throws -> Tensor {
        try reduced(CT_AMAX, dimensions, keepDimensions)
    }

    public func min(_ dimensions: Int..., keepDimensions: Bool = false) throws -> Tensor {
        try reduced(CT_AMIN, dimensions, keepDimensions)
    }

    /// log Σ exp, computed without overflow.
    public func logSumExp(_ dimensions: Int..., keepDimensions: Bool = false) throws -> Tensor {
        try reduced(CT_LOGSUMEXP, dimensions, keepDimensions)
    }

    /// The Euclidean norm.
    public func norm(_ dimensions: Int..., keepDimensions: Bool = false) throws -> Tensor {
        try reduced(CT_NORM, dimensions, keepDimensions)
    }

    /// The index of the largest element along a dimension, as int64.
    public func argmax(dimension: Int = -1, keepDimensions: Bool = false) throws -> Tensor {
        try .make { ct_argmax(handle, Int64(dimension), keepDimensions, $0) }
    }
}
