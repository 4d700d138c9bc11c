import Torch
import Transformers

/// Some examples of a data set, ready for a model: plain arrays, so that any thread can make it.
struct Batch: Sendable {
    /// The examples' places in the data set.
    let indices: [Int]
    let input: PackedInput
    /// What the examples are labelled with.
    let targets: Targets

    var count: Int { indices.count }

    /// Whether texts are not the data's own, so that what was computed for those does not hold.
    let isAugmented: Bool

    /// - Parameters:
    ///   - dataset: Where the examples are.
    ///   - indices: Their places.
    ///   - augmentation: How their texts are changed; `nil` for not at all.
    /// - Throws: `FileError` or `SealedFile.Problem` where the examples are in a file that cannot be read.
    init(
        _ dataset: EncodedDataset, indices: [Int], augmentation: Augmentation.Seeded? = nil
    ) throws {
        var ids: [Int32] = []
        var types: [Int32] = []
        var offsets = [0]
        var isAugmented = false
        var example = EncodedExample()
        let total = indices.reduce(0) { $0 + dataset.length(of: $1) }
        ids.reserveCapacity(total)
        types.reserveCapacity(total)
        offsets.reserveCapacity(indices.count + 1)
        for index in indices {
            try dataset.read(index, into: &example)
            if let augmentation, augmentation.apply(to: &example, index: index) { isAugmented = true }
            ids += example.inputIDs
            types += example.tokenTypeIDs
            offsets.append(ids.count)
        }
        self.indices = indices
        self.isAugmented = isAugmented
        input = PackedInput(
            inputIDs: ids, tokenTypeIDs: types.contains { $0 != 0 } ? types : nil, offsets: offsets)
        targets = dataset.targets(of: indices)
    }

    /// What losses are means over.
    var lossCounts: LossCounts { LossCounts(offsets: input.offsets, targets: targets) }

    /// The class of each example; ``BatchLabels/unlabelled`` where there is none.
    var labels: [Int] {
        if case .classes(let classes, _) = targets { return classes }
        return [Int](repeating: BatchLabels.unlabelled, count: count)
    }

    /// The examples' labels as tensors.
    ///
    /// - Throws: `TorchError` where memory is short.
    func batchLabels(device: Device = .cpu) throws -> BatchLabels { try targets.batchLabels(device: device) }
}
