import CTorch

extension Tensor {
    /// For each of some packed sequences the sum of its tokens, each times a weight: (T, H) → (B, H) float32.
    ///
    /// On the CPU a sequence's sum is taken in the order of its tokens, so that its bits depend neither on the other sequences nor
    /// on the number of threads.
    ///
    /// - Parameters:
    ///   - offsets: B + 1 numbers: where each sequence begins, and T.
    ///   - weights: T numbers, to which no gradient flows.
    /// - Throws: ``TorchError`` where the offsets or weights do not fit the tokens.
    public func pooled(offsets: [Int], weights: [Float]) throws -> Tensor {
        guard device.kind == .cpu else {
            let scale = try Tensor(weights, shape: [weights.count, 1], device: device)
            return try (self * scale).padded(offsets: offsets).sum(1)
        }
        let places = try Tensor(offsets.map { Int64($0) }, shape: [offsets.count])
        let scale = try Tensor(weights, shape: [weights.count])
        return try .make { ct_pool_sequences(handle, scale.handle, places.handle, $0) }
    }
}
