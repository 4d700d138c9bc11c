import CTorch

/// The attention of a decoder: each token attends to those before it in its text, within a window, and to itself. Heads of keys
/// and values may each serve several heads of queries (Ainslie et al., arXiv 2305.13245), and queries and keys may be rotated by
/// their positions (Su et al., arXiv 2104.09864).
///
/// Shapes: T tokens of all texts, N heads of queries, K heads of keys and values, D head size.
public struct CausalAttention: Sendable {
    public let heads: Int
    public let keyValueHeads: Int
    public let headSize: Int
    /// The factor of the scores.
    public let scale: Double
    /// The number of tokens that a token attends to, itself included; `nil` for all up to it.
    public let window: Int?

    public init(heads: Int, keyValueHeads: Int, headSize: Int, scale: Double, window: Int?) {
        (self.heads, self.keyValueHeads, self.headSize) = (heads, keyValueHeads, headSize)
        (self.scale, self.window) = (scale, window)
    }

    /// Computes the attention by the kernels, or by libtorch's operations where they are not preferred.
    ///
    /// - Parameters:
    ///   - query: (T, N · D), float32 or bfloat16.
    ///   - key: (T, K · D).
    ///   - value: (T, K · D).
    ///   - sequences: The offsets of the texts.
    ///   - rotation: The tables that queries and keys are rotated by; `nil` for none.
    /// - Returns: (T, N · D).
    /// - Throws: ``TorchError`` for shapes that do not fit together.
    public func callAsFunction(
        query: Tensor, key: Tensor, value: Tensor, _ sequences: PackedSequences, rotation: RotaryTable?
    ) throws -> Tensor {
        PackedKernels.arePreferred(for: query.dtype, on: query.device)
            ? try byKernels(query: query, key: key, value: value, sequences, rotation: rotation)
            : try byOperations(query: query, key: key, value: value, sequences, rotation: rotation)
    }

    func byOperations(
        query: Tensor, key: Tensor, value: Tensor, _ sequences: PackedSequences, rotation: RotaryTable?
    ) throws -> Tensor {
        let (q, k, v) = try split(query, key, value, sequences, rotation)
        return try Tensor.causalAttention(
            query: q, key: k, value: v, offsets: sequences.offsets, window: window, scale: scale
        ).reshaped([q.size(0), heads * headSize])
    }

    func byKernels(
        query: Tensor, key: Tensor, value: Tensor, _ sequences: PackedSequences, rotation: RotaryTable?
    ) throws -> Tensor {
        let tables = try rotation?.tables(length: sequences.longest, device: query.device)
        return try .make {
            ct_packed_causal_attention(
                query.handle, key.handle, value.handle, tables?.cosine.handle, tables?.sine.handle,
                sequences.tensor.handle, Int64(heads), Int64(keyValueHeads), Int64(window ?? 0), scale, $0)
        }
    }

    /// Queries (T, N, D), keys and values (T, K, D), rotated.
    public func split(
        _ query: Tensor, _ key: Tensor, _ value: Tensor, _ sequences: PackedSequences,
        _ rotation: RotaryTable?
    ) throws -> (query: Tensor, key: Tensor, value: Tensor) {
        let tokens = try query.size(0)
        let q = try query.reshaped([tokens, heads, headSize])
        let k = try key.reshaped([tokens, keyValueHeads, headSize])
        let v = try value.reshaped([tokens, keyValueHeads, headSize])
        guard let rotation else { return (q, k, v) }
        return (try rotation.rotated(q, sequences), try rotation.rotated(k, sequences), v)
    }
}
