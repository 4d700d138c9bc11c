import Decoding
import Synchronization

@testable import DistillRuntime

/// A decoder that counts the tokens it is asked to compute.
final class CountingModel: NextTokenModel {
    let model: Decoder
    private let computed = Atomic(0)

    init(model: Decoder) { self.model = model }

    var count: Int { computed.load(ordering: .relaxed) }
    func reset() { computed.store(0, ordering: .relaxed) }

    var positions: Int { model.positions }
    var vocabularySize: Int { model.vocabularySize }
    func makeCache() throws -> KeyValueCache { try model.makeCache() }

    func share(_ cache: KeyValueCache, tokens: Int) throws -> (cache: KeyValueCache, tokens: Int) {
        try model.share(cache, tokens: tokens)
    }

    func logits(_ ids: [Int32], offsets: [Int], caches: [KeyValueCache]) throws -> [Float] {
        computed.add(ids.count, ordering: .relaxed)
        return try model.logits(ids, offsets: offsets, caches: caches)
    }
}
