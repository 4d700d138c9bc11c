import Torch
import Transformers

/// What a process knows of the batch that it computes a part of.
struct BatchShare: Sendable {
    /// This process's number.
    let rank: Int
    /// What precedes this process's examples in the batch.
    let before: DropoutState.Before
    /// The counts of each process's part.
    let counts: [LossCounts]
    /// The token ids of the whole batch, ascending, each once.
    let tokens: [Int64]

    /// The number of examples of the whole batch.
    var examples: Int { counts.reduce(0) { $0 + $1.examples } }

    /// Divides examples into consecutive parts of about the same number of tokens, one for each process.
    ///
    /// - Parameter lengths: The number of tokens of each example, in their order.
    /// - Returns: As many ranges as processes, some of which may be empty.
    static func parts(_ lengths: [Int], processes: Int) -> [Range<Int>] {
        let total = lengths.reduce(0, +)
        var ends = [Int](repeating: lengths.count, count: processes)
        var (sum, process) = (0, 0)
        for (index, length) in lengths.enumerated() {
            // An example belongs to the process in whose part its middle token lies.
            while process < processes - 1, (2 * sum + length) * processes > 2 * total * (process + 1) {
                ends[process] = index
                process += 1
            }
            sum += length
        }
        return ends.indices.map { ($0 == 0 ? 0 : ends[$0 - 1])..<ends[$0] }
    }
}

extension Batch {
    /// This process's part of a batch that several processes compute.
    ///
    /// A process that has none of the examples computes another's, which then counts for nothing here, so that it does the same
    /// operations as the others.
    ///
    /// - Parameter units: Examples, or queries whose documents stay together.
    /// - Throws: `FileError` or `ChecksummedFile.Problem` where the examples are in a file that cannot be read.
    init(
        shareOf dataset: EncodedDataset, units: [Int], rank: Int, of processes: Int,
        augmentation: Augmentation.Seeded? = nil
    ) throws {
        let parts = BatchShare.parts(units.map { dataset.unitLength(of: $0) }, processes: processes)
        let batches = try parts.map {
            try Batch(
                dataset, indices: dataset.examples(ofUnits: Array(units[$0])), augmentation: augmentation)
        }
        var own = batches[rank]
        if own.count == 0 {
            own = try Batch(
                dataset, indices: dataset.examples(ofUnits: Array(units.prefix(1))),
                augmentation: augmentation)
        }
        let earlier = batches.prefix(rank)
        var tokens: Set<Int32> = []
        for batch in batches { tokens.formUnion(batch.input.inputIDs) }
        own.isAugmented = batches.contains { $0.isAugmented }
        own.share = BatchShare(
            rank: rank,
            before: DropoutState.Before(
                lengths: earlier.flatMap(\.lengths), rows: earlier.reduce(0) { $0 + $1.rows.count },
                longest: batches.flatMap(\.lengths).max() ?? 0),
            counts: batches.map(\.lossCounts), tokens: tokens.sorted().map { Int64($0) })
        self = own
    }

    /// The number of tokens of each example.
    var lengths: [Int] { zip(input.offsets, input.offsets.dropFirst()).map { $1 - $0 } }

    /// The number of examples that the step counts for this process.
    var countedExamples: Int { share.map { $0.counts[$0.rank].examples } ?? count }
    /// The number of examples of the whole batch, of all processes.
    var examplesOfAll: Int { share?.examples ?? count }
}
