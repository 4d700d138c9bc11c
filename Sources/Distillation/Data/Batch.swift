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

    /// - Throws: `FileError` or `SealedFile.Problem` where the examples are in a file that cannot be read.
    init(_ dataset: EncodedDataset, indices: [Int]) throws {
        var ids: [Int32] = []
        var types: [Int32] = []
        var offsets = [0]
        var example = EncodedExample()
        let total = indices.reduce(0) { $0 + dataset.length(of: $1) }
        ids.reserveCapacity(total)
        types.reserveCapacity(total)
        offsets.reserveCapacity(indices.count + 1)
        for index in indices {
            try dataset.read(index, into: &example)
            ids += example.inputIDs
            types += example.tokenTypeIDs
            offsets.append(ids.count)
        }
        self.indices = indices
        input = PackedInput(
            inputIDs: ids, tokenTypeIDs: types.contains { $0 != 0 } ? types : nil, offsets: offsets)
        targets = dataset.targets(of: indices)
    }

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
