import CTorch

/// A whole encoder on packed sequences whose kernels a captured CUDA graph starts together, where the program has found
/// the library for it: starting them one by one takes longer than a small batch takes the device.
///
/// The second batch of about a shape is captured, and later ones are replayed. The results are those of the layers one by
/// one, but for rounding, and for what attention's dropout draws. Gradients are stored in memory that the next backward
/// pass writes again. All encoders of a device share memory: only one thread may run them.
public final class PackedEncoder {
    private let handle: ct_encoder
    private let embeddings: PackedEmbeddings
    private let layers: [PackedEncoderLayer]

    /// - Parameters:
    ///   - embeddings: The input of the first layer.
    ///   - layers: In the order in which they run.
    /// - Returns: `nil` where there are no captured graphs.
    /// - Throws: ``TorchError`` where memory is short.
    public convenience init?(embeddings: PackedEmbeddings, layers: [PackedEncoderLayer]) throws {
        try self.init(embeddings: embeddings, layers: layers, emulated: false)
    }

    /// - Parameter emulated: True to run the same code without graphs, on any device.
    init?(embeddings: PackedEmbeddings, layers: [PackedEncoderLayer], emulated: Bool) throws {
        guard !layers.isEmpty else { return nil }
        var made: ct_encoder?
        try Tensor.withHandles(embeddings.parameters) { tables, _ in
            try Tensor.withHandles(layers.flatMap(\.parameters)) { parameters, _ in
                try check(
                    ct_encoder_make(
                        tables, parameters, layers.map(\.trainingOptions), layers.count,
                        Int64(embeddings.paddingIndex ?? -1), Int64(embeddings.positionOffset),
                        embeddings.epsilon, embeddings.dropout.probability, emulated, &made))
            }
        }
        guard let made else { return nil }
        handle = made
        self.embeddings = embeddings
        self.layers = layers
    }

    deinit { ct_encoder_free(handle) }

    /// - Parameters:
    ///   - ids: The token ids of all examples.
    ///   - types: The token type of each token; `nil` for all 0.
    ///   - offsets: The index of each example's first token, and the number of all tokens.
    ///   - dtype: The type that matrices are multiplied in.
    ///   - state: The random state in training; `nil` in evaluation.
    /// - Returns: The last layer's output for each example's first token, (B, H) float32, which the next call overwrites;
    ///   `nil` where this batch is to be computed layer by layer.
    /// - Throws: ``TorchError`` for ids outside of a table, or an example longer than the position table.
    public func callAsFunction(
        _ ids: [Int32], types: [Int32]?, offsets: [Int], dtype: DType, _ state: DropoutState?
    ) throws -> Tensor? {
        try embeddings.validate(ids, types: types, offsets: offsets)
        let position = state?.position
        var out: ct_tensor?
        let starts = offsets.map { Int64($0) }
        // Made by the first batch, which the layers compute one by one.
        let weights: [ct_composed_layer?] = layers.map { $0.composedWeights(bfloat16: dtype == .bfloat16) }
        guard !weights.contains(nil) else { return nil }
        func run(_ types: UnsafePointer<Int32>?) -> ct_error? {
            ct_encoder_run(
                handle, ids, types, starts, starts.count, weights, dtype == .bfloat16, state != nil,
                position?.seed ?? 0, position?.offset ?? 0, &out)
        }
        try check(types.map { $0.withUnsafeBufferPointer { run($0.baseAddress) } } ?? run(nil))
        guard let out else { return nil }
        // As many calls as the layers one by one take.
        if let state {
            _ = state.next((embeddings.dropout.probability > 0 ? 1 : 0) + 3 * UInt64(layers.count))
        }
        return Tensor(owning: out)
    }
}
