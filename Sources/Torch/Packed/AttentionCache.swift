import CTorch

/// The keys, rotated, and values of one text's tokens in one layer, so that later tokens attend to them without computing them again.
///
/// Where the kernels compute the attention it holds them in the form that these read, otherwise as tensors.
public final class AttentionCache {
    enum Storage {
        case packed(ct_attention_cache)
        /// (m, K, D) each; `nil` before the first token.
        case tensors((key: Tensor, value: Tensor)?)
    }

    /// The tokens of a page; caches share whole pages.
    public static let pageTokens = Int(CT_PAGE_TOKENS)

    private(set) var storage: Storage

    /// An empty cache.
    ///
    /// - Parameters:
    ///   - keyValueHeads: K.
    ///   - headSize: D.
    ///   - dtype: The type of keys and values: float32 or bfloat16.
    ///   - device: Their device.
    /// - Throws: ``TorchError`` where a size is not positive.
    public convenience init(keyValueHeads: Int, headSize: Int, dtype: DType, device: Device) throws {
        try self.init(
            keyValueHeads: keyValueHeads, headSize: headSize, dtype: dtype,
            usesKernels: PackedKernels.arePreferred(for: dtype, on: device))
    }

    init(keyValueHeads: Int, headSize: Int, dtype: DType, usesKernels: Bool) throws {
        guard usesKernels else {
            storage = .tensors(nil)
            return
        }
        var out: ct_attention_cache?
        try check(
            ct_attention_cache_make(Int64(keyValueHeads), Int64(headSize), dtype == .bfloat16, &out))
        guard let out else { throw TorchError(kind: .internal, "attention_cache returned nothing") }
        storage = .packed(out)
    }

    /// A cache of the first tokens of another one, which they share.
    ///
    /// - Parameters:
    ///   - other: The cache, which may grow afterwards.
    ///   - tokens: Their number, a multiple of ``pageTokens``.
    /// - Throws: ``TorchError`` where it does not hold so many, or they do not fill pages.
    public init(sharing other: AttentionCache, tokens: Int) throws {
        switch other.storage {
        case .packed(let handle):
            var out: ct_attention_cache?
            try check(ct_attention_cache_share(handle, Int64(tokens), &out))
            guard let out else {
                throw TorchError(kind: .internal, "attention_cache_share returned nothing")
            }
            storage = .packed(out)
        case .tensors(let kept):
            let held = try kept?.key.size(0) ?? 0
            guard (0...held).contains(tokens), tokens % Self.pageTokens == 0 else {
                throw TorchError(
                    "a cache of \(held) tokens shares full pages of \(Self.pageTokens), not \(tokens) tokens")
            }
            // Tensors are never written again.
            storage = .tensors(
                try kept.map {
                    (
                        try $0.key.narrowed(dimension: 0, start: 0, length: tokens),
                        try $0.value.narrowed(dimension: 0, start: 0, length: tokens)
                    )
                })
        }
    }

    deinit { if case .packed(let handle) = storage { ct_attention_cache_free(handle) } }

    /// The bytes that it takes.
    public var byteCount: Int {
        switch storage {
        case .packed(let handle): Int(ct_attention_cache_bytes(handle))
        case .tensors(let kept): kept.map { 2 * $0.key.count * $0.key.dtype.size } ?? 0
        }
    }

    /// Adds keys and values (n, K, D) after the first `past` of those that it holds, and returns all, (past + n, K, D) each.
    func appending(key: Tensor, value: Tensor, past: Int) throws -> (key: Tensor, value: Tensor) {
        guard case .tensors(let kept) = storage else {
            throw TorchError(
                "a cache that the kernels made cannot be read by libtorch's operations; make another one")
        }
        let held = try kept?.key.size(0) ?? 0
        guard past <= held else { throw TorchError("the cache holds \(held) tokens, not \(past)") }
        func joined(_ old: Tensor?, _ new: Tensor) throws -> Tensor {
            guard let old, past > 0 else { return new }
            return try .concatenated([old.narrowed(dimension: 0, start: 0, length: past), new])
        }
        let all = (key: try joined(kept?.key, key), value: try joined(kept?.value, value))
        storage = .tensors(all)
        return all
    }
}
