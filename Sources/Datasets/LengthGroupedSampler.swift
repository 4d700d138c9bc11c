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
    public static func batches<Length: BinaryInteger>(
        lengths: [Length], batchSize: Int, seed: UInt64, epoch: Int, grouped: Bool = true
    ) -> EpochBatches {
        guard batchSize > 0 else { return EpochBatches(order: [], batchSize: 1, batchOrder: nil) }
        var seeds = SeededGenerator(seed: seed)
        var generator = SeededGenerator(
            seed: seeds.next() ^ UInt64(truncatingIfNeeded: epoch) &* 0xD1B5_4A32_D192_ED03)
        var order = Array(0..<UInt32(lengths.count)).shuffled(seededBy: &generator)
        guard grouped else { return EpochBatches(order: order, batchSize: batchSize, batchOrder: nil) }
        let run = batchSize * batchesPerRun
        for start in stride(from: 0, to: order.count, by: run) {
            let places = start..<min(start + run, order.count)
            // Equal lengths keep their shuffled order.
            let sorted = order[places].enumerated().sorted { a, b in
                (lengths[Int(b.element)], a.offset) < (lengths[Int(a.element)], b.offset)
            }
            for (place, entry) in zip(places, sorted) { order[place] = entry.element }
        }
        let batchCount = (order.count + batchSize - 1) / batchSize
        return EpochBatches(
            order: order, batchSize: batchSize,
            batchOrder: Array(0..<UInt32(batchCount)).shuffled(seededBy: &generator))
    }
}

/// The batches of an epoch, each made when it is asked for; eight bytes an example at most.
public struct EpochBatches: RandomAccessCollection, Equatable, Sendable {
    /// The examples, batch after batch.
    private let order: [UInt32]
    private let batchSize: Int
    /// The index of the batch at each position; `nil` for their own order.
    private let batchOrder: [UInt32]?

    init(order: [UInt32], batchSize: Int, batchOrder: [UInt32]?) {
        self.order = order
        self.batchSize = batchSize
        self.batchOrder = batchOrder
    }

    public var startIndex: Int { 0 }
    public var endIndex: Int { (order.count + batchSize - 1) / batchSize }

    /// The examples of a batch, by their indices in the data.
    public subscript(place: Int) -> [Int] {
        let start = (batchOrder.map { Int($0[place]) } ?? place) * batchSize
        return order[start..<Swift.min(start + batchSize, order.count)].map { Int($0) }
    }
}
