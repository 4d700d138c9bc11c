import Torch
import Transformers

/// Some examples of a data set, ready for a model: plain arrays, so that any thread can make it.
struct Batch: Sendable {
    /// The examples' indices in the data set.
    let indices: [Int]
    let input: PackedInput
    /// The rows of the data set that have an output here: one for each example, or for each word that has tokens.
    let rows: [Int]
    /// The labels of these rows.
    let targets: Targets

    var count: Int { indices.count }

    /// True if texts differ from the data's own, so that outputs computed for those do not hold.
    var isAugmented: Bool
    /// True if the student wrote the texts.
    var isStudentText = false

    /// The place of these examples in a batch that several processes compute; `nil` where they are the whole batch.
    var share: BatchShare?

    /// - Parameters:
    ///   - dataset: The data set with the examples.
    ///   - indices: The examples' indices.
    ///   - augmentation: The augmentation of their texts; `nil` leaves them unchanged.
    /// - Throws: `FileError` or `ChecksummedFile.Problem` where the examples are in a file that cannot be read.
    init(
        _ dataset: EncodedDataset, indices: [Int], augmentation: Augmentation.Seeded? = nil
    ) throws {
        var ids: [Int32] = []
        var types: [Int32] = []
        var offsets = [0]
        var isAugmented = false
        var (rows, tokens, kept) = ([Int](), [Int](), [Int]())
        var example = EncodedExample()
        // Rows of the batch so far, with those of words without tokens.
        var rowsBefore = 0
        let total = indices.reduce(0) { $0 + dataset.length(of: $1) }
        ids.reserveCapacity(total)
        types.reserveCapacity(total)
        offsets.reserveCapacity(indices.count + 1)
        for index in indices {
            try dataset.read(index, into: &example)
            if let augmentation, augmentation.apply(to: &example, index: index) { isAugmented = true }
            if let positions = dataset.rowPositions(of: index) {
                for (row, position) in zip(dataset.rows(of: index), positions) {
                    if position >= 0 {
                        rows.append(row)
                        tokens.append(ids.count + Int(position))
                        kept.append(rowsBefore)
                    }
                    rowsBefore += 1
                }
            } else {
                rows.append(index)
            }
            ids += example.inputIDs
            types += example.tokenTypeIDs
            offsets.append(ids.count)
        }
        self.indices = indices
        self.rows = rows
        self.isAugmented = isAugmented
        input = PackedInput(
            inputIDs: ids, tokenTypeIDs: types.contains { $0 != 0 } ? types : nil, offsets: offsets,
            rows: dataset.hasWordRows ? tokens : nil)
        let all = dataset.targets(of: indices)
        targets = rowsBefore == kept.count ? all : all.subset(kept)
    }

    /// The counts that losses are means over.
    var lossCounts: LossCounts { LossCounts(offsets: input.offsets, targets: targets) }

    /// The class of each row; ``BatchLabels/unlabelled`` where there is none.
    var labels: [Int] {
        let classes = targets.classes
        return classes.isEmpty ? [Int](repeating: BatchLabels.unlabelled, count: count) : classes
    }

    /// The examples' labels as tensors.
    ///
    /// - Throws: `TorchError` where memory is short.
    func batchLabels(device: Device = .cpu) throws -> BatchLabels { try targets.batchLabels(device: device) }
}

extension EncodedDataset {
    /// Some of the examples, as a model takes them.
    ///
    /// - Throws: `FileError` or `ChecksummedFile.Problem` where the examples are in a file that cannot be read.
    package func packed(_ indices: [Int]) throws -> PackedInput { try Batch(self, indices: indices).input }
}
