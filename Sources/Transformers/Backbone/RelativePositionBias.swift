import Foundation
import Torch

/// A learned relative position bias: a number for each head and distance of two tokens, added to their
/// attention score, with distances in buckets that widen (Raffel et al., "T5", arXiv 1910.10683, section 2.1,
/// as MPNet uses it in all layers alike).
final class RelativePositionBias {
    /// (buckets, N)
    let table: Embedding
    private let buckets: Int
    private let largestDistance: Int
    private var indices: [Int: Tensor] = [:]

    /// - Parameters:
    ///   - scope: The scope of the table (buckets, N).
    ///   - buckets: The number of buckets, half of them for each direction.
    ///   - largestDistance: The distance from which on all distances share a bucket.
    init(
        _ scope: ParameterScope, buckets: Int, heads: Int, largestDistance: Int = 128,
        initializer: ParameterInitializer
    ) throws {
        table = try Embedding(scope, count: buckets, width: heads, initializer: initializer)
        self.buckets = buckets
        self.largestDistance = largestDistance
    }

    /// (1, N, L, L)
    func callAsFunction(length: Int) throws -> Tensor {
        let places = try indices[length] ?? makeIndices(length)
        indices = [length: places]
        return try table(places).permuted([2, 0, 1]).unsqueezed(0)
    }

    private func makeIndices(_ length: Int) throws -> Tensor {
        var places: [Int64] = []
        places.reserveCapacity(length * length)
        for query in 0..<length {
            for key in 0..<length { places.append(Int64(bucket(key - query))) }
        }
        return try Tensor(places, shape: [length, length], device: table.weight.device)
    }

    /// Returns the bucket of a key this many tokens after the query.
    func bucket(_ distance: Int) -> Int {
        let half = buckets / 2
        let exact = half / 2
        let start = distance > 0 ? half : 0
        let size = abs(distance)
        guard size >= exact else { return start + size }
        // In float32, as PyTorch computes it.
        let share = log(Float(size) / Float(exact)) / log(Float(largestDistance) / Float(exact))
        return start + min(half - 1, exact + Int(share * Float(half - exact)))
    }
}
