import Torch
import Transformers

/// Examples padded to a common length, as tensors.
struct Batch {
    /// The examples' places in the data set.
    let indices: [Int]
    let input: ModelInput
    /// (B) int64
    let labels: Tensor

    var count: Int { indices.count }

    /// - Parameter paddingID: The token that fills shorter examples; the attention mask is 0 there.
    init(_ dataset: EncodedDataset, indices: [Int], paddingID: Int, device: Device) throws {
        let longest = indices.reduce(0) { max($0, dataset.offsets[$1 + 1] - dataset.offsets[$1]) }
        let shape = [indices.count, longest]
        var ids = [Int64](repeating: Int64(paddingID), count: indices.count * longest)
        var types = [Int64](repeating: 0, count: ids.count)
        var mask = [Int64](repeating: 0, count: ids.count)
        for (row, index) in indices.enumerated() {
            var place = row * longest
            for token in dataset.offsets[index]..<dataset.offsets[index + 1] {
                ids[place] = Int64(dataset.inputIDs[token])
                types[place] = Int64(dataset.tokenTypeIDs[token])
                mask[place] = 1
                place += 1
            }
        }
        self.indices = indices
        input = ModelInput(
            inputIDs: try Tensor(ids, shape: shape, device: device),
            attentionMask: try Tensor(mask, shape: shape, device: device),
            tokenTypeIDs: try Tensor(types, shape: shape, device: device))
        labels = try Tensor(indices.map { Int64(dataset.labels[$0]) }, device: device)
    }
}
