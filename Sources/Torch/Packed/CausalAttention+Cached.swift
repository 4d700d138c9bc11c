import CTorch

extension CausalAttention {
    /// Computes the attention of texts' new tokens to the tokens whose keys and values are kept, and to one another; theirs are kept
    /// too. A token's context has the bits that it has where its whole text is computed at once. Nothing is recorded for gradients.
    ///
    /// - Parameters:
    ///   - query: (T, N · D) of the new tokens, in the caches' type.
    ///   - key: (T, K · D).
    ///   - value: (T, K · D).
    ///   - sequences: The new tokens' offsets and places (``PackedSequences/firstPlaces``).
    ///   - rotation: The tables that queries and keys are rotated by; `nil` for none.
    ///   - caches: A cache for each text.
    /// - Returns: (T, N · D).
    /// - Throws: ``TorchError`` for shapes that do not fit together, or a cache that holds fewer tokens than come before.
    public func callAsFunction(
        query: Tensor, key: Tensor, value: Tensor, _ sequences: PackedSequences, rotation: RotaryTable?,
        caches: [AttentionCache]
    ) throws -> Tensor {
        guard !caches.isEmpty, caches.count == sequences.count else {
            throw TorchError("\(caches.count) caches for \(sequences.count) texts; each needs one")
        }
        let handles: [ct_attention_cache?] = caches.compactMap {
            if case .packed(let handle) = $0.storage { handle } else { nil }
        }
        guard handles.count == caches.count else {
            return try byOperations(
                query: query, key: key, value: value, sequences, rotation: rotation, caches: caches)
        }
        let tables = try rotation?.tables(length: sequences.furthest, device: query.device)
        return try withExtendedLifetime(caches) {
            try withInt64(sequences.firstPlaces) { past, _ in
                try .make {
                    ct_cached_causal_attention(
                        query.handle, key.handle, value.handle, tables?.cosine.handle, tables?.sine.handle,
                        sequences.tensor.handle, handles, past, Int64(heads), Int64(window ?? 0), scale, $0)
                }
            }
        }
    }

    /// The same by libtorch's operations, a text at a time.
    private func byOperations(
        query: Tensor, key: Tensor, value: Tensor, _ sequences: PackedSequences, rotation: RotaryTable?,
        caches: [AttentionCache]
    ) throws -> Tensor {
        let (q, k, v) = try split(query, key, value, sequences, rotation)
        var parts: [Tensor] = []
        for (text, cache) in caches.enumerated() {
            let (start, end) = (sequences.offsets[text], sequences.offsets[text + 1])
            func part(_ x: Tensor) throws -> Tensor {
                try x.narrowed(dimension: 0, start: start, length: end - start)
            }
            let all = try cache.appending(key: part(k), value: part(v), past: sequences.firstPlaces[text])
            parts.append(
                try .causalAttention(
                    query: part(q), key: all.key, value: all.value, offsets: [0, end - start], window: window,
                    scale: scale))
        }
        return try Tensor.concatenated(parts).reshaped([q.size(0), heads * headSize])
    }
}
