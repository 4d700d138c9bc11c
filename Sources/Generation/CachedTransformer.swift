import Architectures
import Decoding
import Torch
import Transformers

/// A language model on libtorch's tensors, as generation asks it.
struct CachedTransformer: NextTokenModel {
    let model: TransformerModel
    /// The precision of matrix products: float32 or bfloat16.
    let precision: Precision

    var positions: Int { model.configuration.maxLength }
    var vocabularySize: Int { model.configuration.vocabSize }

    func makeCache() throws -> KeyValueCache { try model.makeCache(precision: precision) }

    func share(_ cache: KeyValueCache, tokens: Int) throws -> (cache: KeyValueCache, tokens: Int) {
        let shared = try KeyValueCache(sharing: cache, tokens: tokens)
        return (shared, shared.length)
    }

    func logits(_ ids: [Int32], offsets: [Int], caches: [KeyValueCache]) throws -> [Float] {
        let input = PackedInput(inputIDs: ids, offsets: offsets, rows: offsets.dropFirst().map { $0 - 1 })
        return try model(input, caches: caches).logits.array()
    }
}
