import CTorch

/// Views and joins. Negative dimensions count from the last, as in PyTorch.
extension Tensor {
    /// The same elements in another shape; one size may be −1 and is worked out.
    public func reshaped(_ shape: [Int]) throws -> Tensor {
        try withInt64(shape) { dims, rank in try .make { ct_reshape(handle, dims, rank, $0) } }
    }

    public func expanded(_ shape: [Int]) throws -> Tensor {
        try withInt64(shape) { dims, rank in try .make { ct_expand(handle, dims, rank, $0) } }
    }

    public func permuted(_ dimensions: [Int]) throws -> Tensor {
        try withInt64(dimensions) { dims, rank in try .make { ct_permute(handle, dims, rank, $0) } }
    }

    public func transposed(_ dimension0: Int = -2, _ dimension1: Int = -1) throws -> Tensor {
        try .make { ct_transpose(handle, Int64(dimension0), Int64(dimension1), $0) }
    }

    /// `length` indices of a dimension, from `start` on.
    public func narrowed(dimension: Int, start: Int, length: Int) throws -> Tensor {
        try .make { ct_narrow(handle, Int64(dimension), Int64(start), Int64(length), $0) }
    }

    /// Every `step`-th index of `range` in a dimension.
    public func sliced(dimension: Int, _ range: Range<Int>, step: Int = 1) throws -> Tensor {
        try .make {
            ct_slice(
                handle, Int64(dimension), Int64(range.lowerBound), Int64(range.upperBound), Int64(step), $0)
        }
    }

    /// One index of a dimension, which is dropped.
    public func selected(dimension: Int, index: Int) throws -> Tensor {
        try .make { ct_select(handle, Int64(dimension), Int64(index), $0) }
    }

    public func squeezed(_ dimension: Int) throws -> Tensor {
        try .make { ct_squeeze(handle, Int64(dimension), $0) }
    }

    public func unsqueezed(_ dimension: Int) throws -> Tensor {
        try .make { ct_unsqueeze(handle, Int64(dimension), $0) }
    }

    /// Joins tensors along a dimension that they have.
    public static func concatenated(_ tensors: [Tensor], dimension: Int = 0) throws -> Tensor {
        try withHandles(tensors) { handles, count in
            try make { ct_cat(handles, count, Int64(dimension), $0) }
        }
    }

    /// Joins tensors along a new dimension.
    public static func stacked(_ tensors: [Tensor], dimension: Int = 0) throws -> Tensor {
        try withHandles(tensors) { handles, count in
            try make { ct_stack(handles, count, Int64(dimension), $0) }
        }
    }

    /// Packed sequences, (T, H), each padded with zeros to the longest: (B, L, H).
    ///
    /// - Parameter offsets: B + 1 numbers: where each sequence begins, and T.
    /// - Throws: ``TorchError`` where the offsets do not fit the tokens.
    public func padded(offsets: [Int]) throws -> Tensor {
        try withInt64(offsets) { places, count in try .make { ct_pad_packed(handle, places, count, $0) } }
    }
}

/// Indexing.
extension Tensor {
    /// The `index`-th part along the first dimension.
    public subscript(index: Int) -> Tensor {
        get throws { try selected(dimension: 0, index: index) }
    }

    /// A range of the first dimension.
    public subscript(range: Range<Int>) -> Tensor {
        get throws { try narrowed(dimension: 0, start: range.lowerBound, length: range.count) }
    }

    /// The indices of a dimension that `index`, a one-dimensional integer tensor, lists.
    public func indexSelect(dimension: Int, _ index: Tensor) throws -> Tensor {
        try .make { ct_index_select(handle, Int64(dimension), index.handle, $0) }
    }

    /// `torch.gather`: for each element of `index`, the element that it selects along a dimension.
    public func gathered(dimension: Int, _ index: Tensor) throws -> Tensor {
        try .make { ct_gather(handle, Int64(dimension), index.handle, $0) }
    }

    /// Elements of `a` where `condition` holds, else of `b`.
    public static func `where`(_ condition: Tensor, _ a: Tensor, _ b: Tensor) throws -> Tensor {
        try make { ct_where(condition.handle, a.handle, b.handle, $0) }
    }

    /// `value` where `mask` holds, this tensor's elements elsewhere.
    public func maskedFill(_ mask: Tensor, _ value: Double) throws -> Tensor {
        try .make { ct_masked_fill(handle, mask.handle, value, $0) }
    }
}
