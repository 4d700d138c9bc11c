import Torch

/// The keys and values of one text's tokens in all layers of a language model (`past_key_values`), with which the next tokens are
/// computed without computing those before them again.
///
/// ```swift
/// let cache = try model.makeCache()
/// let prompt = PackedInput(inputIDs: ids, offsets: [0, ids.count], rows: [ids.count - 1])
/// var logits = try model(prompt, caches: [cache]).logits                                           // (1, vocabulary)
/// logits = try model(PackedInput(inputIDs: [next], offsets: [0, 1]), caches: [cache]).logits        // of one token more
/// ```
public final class KeyValueCache {
    let layers: [AttentionCache]
    /// The precision of the passes that use it: `float32` or `bfloat16`.
    public let precision: Precision
    /// The number of tokens that it holds.
    public internal(set) var length = 0

    init(_ backbone: DecoderBackbone, precision: Precision) throws {
        let resolved = precision.resolved(on: backbone.device)
        layers = try backbone.layers.map { _ in
            try AttentionCache(
                keyValueHeads: backbone.keyValueHeads, headSize: backbone.headSize, dtype: resolved.dtype,
                device: backbone.device)
        }
        self.precision = resolved
    }

    /// A cache of the first tokens of another one, which they share: texts that begin alike compute the beginning once.
    ///
    /// - Parameters:
    ///   - other: The cache, which may grow afterwards, and be cut.
    ///   - tokens: As many as the texts have in common; of them it holds those that fill pages of 32.
    /// - Throws: ``TransformersError`` where the other one does not hold so many.
    public init(sharing other: KeyValueCache, tokens: Int) throws {
        guard (0...other.length).contains(tokens) else {
            throw TransformersError(
                "a cache of \(other.length) tokens cannot share \(tokens); share from 0 to \(other.length)")
        }
        let whole = tokens / AttentionCache.pageTokens * AttentionCache.pageTokens
        layers = try other.layers.map { try AttentionCache(sharing: $0, tokens: whole) }
        precision = other.precision
        length = whole
    }

    /// Forgets all tokens but the first.
    ///
    /// - Parameter length: The number of tokens to keep.
    /// - Throws: ``TransformersError`` where it does not hold so many.
    public func truncate(to length: Int) throws {
        guard (0...self.length).contains(length) else {
            throw TransformersError(
                "a cache of \(self.length) tokens cannot be cut to \(length); keep from 0 to \(self.length)")
        }
        self.length = length
    }

    /// The bytes that it takes.
    public var byteCount: Int { layers.reduce(0) { $0 + $1.byteCount } }
}
