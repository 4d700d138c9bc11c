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
        try self.init(BatchContents(dataset, indices: indices), paddingID: paddingID, device: device)
    }

    init(_ contents: BatchContents, paddingID: Int, device: Device) throws {
        let longest = contents.examples.reduce(0) { max($0, $1.inputIDs.count) }
        let shape = [contents.examples.count, longest]
        var ids = [Int64](repeating: Int64(paddingID), count: contents.examples.count * longest)
        var types = [Int64](repeating: 0, count: ids.count)
        var mask = [Int64](repeating: 0, count: ids.count)
        for (row, example) in contents.examples.enumerated() {
            for (token, id) in example.inputIDs.enumerated() {
                ids[row * longest + token] = Int64(id)
                types[row * longest + token] = Int64(example.tokenTypeIDs[token])
                mask[row * longest + token] = 1
            }
        }
        indices = contents.indices
        input = ModelInput(
            inputIDs: try Tensor(ids, shape: shape, device: device),
            attentionMask: try Tensor(mask, shape: shape, device: device),
            tokenTypeIDs: try Tensor(types, shape: shape, device: device))
        labels = try Tensor(contents.labels, device: device)
    }
}
