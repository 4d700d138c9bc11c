import Transformers

/// Some examples of a data set, ready for a model: plain arrays, so that any thread can make it.
struct Batch: Sendable {
    /// The examples' places in the data set.
    let indices: [Int]
    let input: PackedInput
    /// The class of each example.
    let labels: [Int]

    var count: Int { indices.count }

    init(_ dataset: EncodedDataset, indices: [Int]) {
        let total = indices.reduce(0) { $0 + dataset.offsets[$1 + 1] - dataset.offsets[$1] }
        var ids: [Int32] = []
        var types: [Int32] = []
        var offsets = [0]
        ids.reserveCapacity(total)
        types.reserveCapacity(total)
        offsets.reserveCapacity(indices.count + 1)
        for index in indices {
            let tokens = dataset.offsets[index]..<dataset.offsets[index + 1]
            ids.append(contentsOf: dataset.inputIDs[tokens])
            types.append(contentsOf: dataset.tokenTypeIDs[tokens])
            offsets.append(ids.count)
        }
        self.indices = indices
        input = PackedInput(
            inputIDs: ids, tokenTypeIDs: types.contains { $0 != 0 } ? types : nil, offsets: offsets)
        labels = indices.map { dataset.labels[$0] }
    }
}
