import Torch

/// A learned relative position bias: a number for each head and distance of two tokens, added to their
/// attention score, with distances in buckets that widen (Raffel et al., "T5", arXiv 1910.10683, section 2.1,
/// as MPNet uses it in all layers alike).
final class RelativePositionBias {
    /// (buckets, N)
    let table: Embedding
    private let buckets: DistanceBuckets
    private var indices: [Int: Tensor] = [:]

    /// - Parameters:
    ///   - scope: The scope of the table (buckets, N).
    ///   - buckets: The buckets of distances.
    ///   - heads: N.
    ///   - initializer: The distribution of a fresh table.
    init(
        _ scope: ParameterScope, buckets: DistanceBuckets, heads: Int, initializer: ParameterInitializer
    ) throws {
        table = try Embedding(scope, count: buckets.count, width: heads, initializer: initializer)
        self.buckets = buckets
    }

    /// (1, N, L, L)
    func callAsFunction(length: Int) throws -> Tensor {
        let places = try indices[length] ?? makeIndices(length)
        indices = [length: places]
        return try table(places).permuted([2, 0, 1]).unsqueezed(0)
    }

    /// The bias by distance, for the kernels: (N, 2 · reach + 1), of keys from `reach` tokens before the query to as many after it.
    func byDistance(reach: Int) throws -> Tensor {
        let places = (-reach...reach).map { Int64(buckets($0)) }
        return try table(Tensor(places, shape: [places.count], device: table.weight.device))
            .transposed().contiguous()
    }

    private func makeIndices(_ length: Int) throws -> Tensor {
        var places: [Int64] = []
        places.reserveCapacity(length * length)
        for query in 0..<length {
            for key in 0..<length { places.append(Int64(buckets(key - query))) }
        }
        return try Tensor(places, shape: [length, length], device: table.weight.device)
    }
}
