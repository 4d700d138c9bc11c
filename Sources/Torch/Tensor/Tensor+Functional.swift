import CTorch

/// Operations of `torch.nn.functional`.
extension Tensor {
    public func softmax(dimension: Int = -1) throws -> Tensor {
        try .make { ct_softmax(handle, Int64(dimension), $0) }
    }

    public func logSoftmax(dimension: Int = -1) throws -> Tensor {
        try .make { ct_log_softmax(handle, Int64(dimension), $0) }
    }

    /// `x · weightᵀ + bias`, with `weight` of shape (out, in).
    public func linear(_ weight: Tensor, bias: Tensor? = nil) throws -> Tensor {
        try .make { ct_linear(handle, weight.handle, bias?.handle, $0) }
    }

    /// Normalizes over the last dimensions, those of `weight`.
    public func layerNorm(weight: Tensor, bias: Tensor, epsilon: Double) throws -> Tensor {
        try .make { ct_layer_norm(handle, weight.handle, bias.handle, epsilon, $0) }
    }

    /// Divides by the root mean square over the last dimensions, those of `weight`, and multiplies by it.
    public func rmsNorm(weight: Tensor, epsilon: Double) throws -> Tensor {
        try .make { ct_rms_norm(handle, weight.handle, epsilon, $0) }
    }

    /// Rows of this matrix (count, width) at `indices`; the row `paddingIndex` gets no gradient.
    public func embedding(_ indices: Tensor, paddingIndex: Int? = nil) throws -> Tensor {
        try .make { ct_embedding(handle, indices.handle, Int64(paddingIndex ?? -1), $0) }
    }

    /// softmax(query · keyᵀ / √D) · value, fused where libtorch can.
    ///
    /// - Parameters:
    ///   - query: (batch, heads, length, D).
    ///   - key: The same shape.
    ///   - value: The same shape.
    ///   - mask: Broadcastable to (batch, heads, length, length): boolean, true where attention may go, or
    ///     numbers that are added to the scores.
    public static func attention(query: Tensor, key: Tensor, value: Tensor, mask: Tensor?) throws -> Tensor {
        try make { ct_attention(query.handle, key.handle, value.handle, mask?.handle, $0) }
    }

    /// Causal attention of each of several texts, one after another: softmax(scale · query · keyᵀ) · value over the tokens up to
    /// each one.
    ///
    /// - Parameters:
    ///   - query: (T, N, D) of N heads.
    ///   - key: (T, K, D), where K divides N: a head of keys serves N / K heads of queries.
    ///   - value: The same shape as the key.
    ///   - offsets: The start of each text, then T.
    ///   - window: The number of tokens that a token attends to, itself included; `nil` for all up to it.
    ///   - scale: The factor of the scores.
    /// - Throws: ``TorchError`` for shapes that do not fit together.
    public static func causalAttention(
        query: Tensor, key: Tensor, value: Tensor, offsets: [Int], window: Int?, scale: Double
    ) throws -> Tensor {
        try make { out in
            offsets.map(Int64.init).withUnsafeBufferPointer {
                ct_causal_attention(
                    query.handle, key.handle, value.handle, $0.baseAddress,
                    offsets.isEmpty ? 0 : offsets.count - 1,
                    Int64(window ?? 0), scale, out)
            }
        }
    }

    /// The mean over the batch of −log softmax(logits)[target].
    ///
    /// - Parameters:
    ///   - targets: (N) class indices, int64, for logits (N, C).
    ///   - classWeights: (C) a factor per class; `nil` for none.
    ///   - ignoreIndex: Rows with this target do not count.
    ///   - labelSmoothing: The fraction of the target's mass that is distributed over all classes.
    public func crossEntropy(
        _ targets: Tensor, classWeights: Tensor? = nil, ignoreIndex: Int = -100, labelSmoothing: Double = 0
    ) throws -> Tensor {
        try .make {
            ct_cross_entropy(
                handle, targets.handle, classWeights?.handle, Int64(ignoreIndex), labelSmoothing, $0)
        }
    }

    /// KL(target ‖ self), summed over the classes and divided by the batch size: PyTorch's `batchmean`.
    ///
    /// - Parameter target: Log-probabilities (N, C), like this tensor.
    public func klDivergenceBatchMean(logTarget target: Tensor) throws -> Tensor {
        try .make { ct_kl_div_batch_mean(handle, target.handle, $0) }
    }

    /// The mean of the squared differences.
    public func meanSquaredError(_ target: Tensor) throws -> Tensor {
        try .make { ct_mse_loss(handle, target.handle, $0) }
    }

    /// −target · log σ(self) − (1 − target) · log(1 − σ(self)) of each element, not reduced.
    ///
    /// - Parameters:
    ///   - target: Probabilities of this tensor's shape (N, C).
    ///   - classWeights: (C) a factor per class; `nil` for none.
    ///   - positiveWeights: (C) a factor per class for the first term alone; `nil` for none.
    public func binaryCrossEntropyWithLogits(
        _ target: Tensor, classWeights: Tensor? = nil, positiveWeights: Tensor? = nil
    ) throws -> Tensor {
        try .make {
            ct_binary_cross_entropy_with_logits(
                handle, target.handle, classWeights?.handle, positiveWeights?.handle, $0)
        }
    }

    /// The Euclidean distances between this matrix's rows (N, D) and another's (M, D): (N, M).
    public func distances(to other: Tensor) throws -> Tensor {
        try .make { ct_cdist(handle, other.handle, $0) }
    }

    /// Drops elements with this probability and scales the others, as ``Dropout`` says.
    ///
    /// - Parameters:
    ///   - probability: That of an element to become zero, in 0 ..< 1.
    ///   - seed: The key of the random numbers.
    ///   - offset: The number of the call, which chooses the sequence of draws.
    ///   - first: The place of this tensor's first element in the call's sequence of draws, on the CPU.
    /// - Throws: ``TorchError`` for a probability out of range.
    public func dropout(probability: Double, seed: UInt64, offset: UInt64, first: Int = 0) throws -> Tensor {
        try .make { ct_dropout(handle, probability, seed, offset, Int64(first), $0) }
    }
}
