/// The order of the examples in an epoch, and how they form batches.
///
/// Grouped by length, a batch holds examples of similar length, which saves padding, while which examples meet
/// stays random: the shuffled data are cut into runs of 50 batches, each run is sorted by length and cut into
/// batches, and the batches are shuffled (as transformers' `LengthGroupedSampler`).
public enum LengthGroupedSampler {
    static let batchesPerRun = 50

    /// - Parameters:
    ///   - lengths: The number of tokens of each example.
    ///   - batchSize: Examples in a batch; the last may have fewer.
    ///   - seed: Decides the order, with the epoch.
    ///   - epoch: Counted from 0.
    ///   - grouped: `false` for a plain shuffle.
    /// - Returns: The examples of each batch, every example once. A function of the arguments alone.
    public static func batches(
        lengths: [Int], batchSize: Int, seed: UInt64, epoch: Int, grouped: Bool = true
    ) -> [[Int]] {
        guard batchSize > 0 else { return [] }
        var seeds = SeededGenerator(seed: seed)
        var generator = SeededGenerator(
            seed: seeds.next() ^ UInt64(truncatingIfNeeded: epoch) &* 0xD1B5_4A32_D192_ED03)
        let order = Array(lengths.indices).shuffled(seededBy: &generator)
        guard grouped else { return cut(order, batchSize) }
        let batches = cut(order, batchSize * batchesPerRun).flatMap { run in
            // Equal lengths keep their shuffled order.
            let sorted = run.enumerated().sorted { a, b in
                (lengths[b.element], a.offset) < (lengths[a.element], b.offset)
            }
            return cut(sorted.map(\.element), batchSize)
        }
        return batches.shuffled(seededBy: &generator)
    }

    private static func cut(_ indices: [Int], _ size: Int) -> [[Int]] {
        stride(from: 0, to: indices.count, by: size).map {
            Array(indices[$0..<min($0 + size, indices.count)])
        }
    }
}
