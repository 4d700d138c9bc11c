#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Buckets of the distances of two tokens that widen with the distance, half of them for each direction (Raffel et al.,
/// "T5", arXiv 1910.10683, section 2.1).
package struct DistanceBuckets: Sendable {
    /// The number of buckets.
    package let count: Int
    /// The distance from which on all distances share a bucket.
    let largestDistance: Int

    /// Returns the bucket of a key this many tokens after the query.
    package func callAsFunction(_ distance: Int) -> Int {
        let half = count / 2
        let exact = half / 2
        let start = distance > 0 ? half : 0
        let size = abs(distance)
        guard size >= exact else { return start + size }
        // In float32, as PyTorch computes it.
        let share = log(Float(size) / Float(exact)) / log(Float(largestDistance) / Float(exact))
        return start + min(half - 1, exact + Int(share * Float(half - exact)))
    }
}

extension DebertaV2Settings.Relative {
    /// Returns the row of the table of distances for a query this many tokens after the key, as the key sees it.
    package func keyRow(_ distance: Int) -> Int { row(bucket(distance)) }

    /// Returns the same row as the query sees it: that of the opposite distance.
    package func queryRow(_ distance: Int) -> Int { row(-bucket(distance)) }

    private func row(_ bucket: Int) -> Int { min(max(bucket + span, 0), 2 * span - 1) }

    /// Returns the distance, or its bucket: exact up to half of the buckets, logarithmic beyond.
    private func bucket(_ distance: Int) -> Int {
        let middle = buckets / 2
        guard buckets > 0, largestDistance > 0, abs(distance) > middle else { return distance }
        // In float32, as PyTorch computes it.
        let size = Float(abs(distance))
        let share = log(size / Float(middle)) / log(Float(largestDistance - 1) / Float(middle))
        let bucket = (share * Float(middle - 1)).rounded(.up) + Float(middle)
        // Sizes that leave no room between the two ends give no number; such distances have no buckets.
        guard bucket.magnitude < 0x1p31 else { return distance }
        return Int(bucket) * distance.signum()
    }
}
