import Transformers

/// Evenly spaced examples of a data set, for what is measured on a part of it.
package struct CalibrationTexts {
    /// The chosen examples.
    package let dataset: EncodedDataset
    /// The same in batches, those of similar length together.
    package let batches: [PackedInput]

    /// The number of their tokens.
    package var tokens: Int { batches.reduce(0) { $0 + $1.inputIDs.count } }

    /// - Parameters:
    ///   - data: The data set.
    ///   - tokens: About as many tokens are chosen, or all where there are fewer.
    ///   - batchTokens: A batch ends with the example that reaches this many.
    /// - Throws: `FileError` where the examples are in a file that cannot be read.
    package init(_ data: EncodedDataset, tokens budget: Int, batchTokens: Int = 2048) throws {
        let lengths = data.lengths
        let total = lengths.reduce(0) { $0 + Int($1) }
        let step = max(1, Double(total) / Double(budget))
        let count = max(1, Int(Double(data.count) / step))
        let places = (0..<min(count, data.count)).map { Int(Double($0) * step) }
        dataset = data.subset(places)
        let chosen = places.sorted { (lengths[$0], $0) < (lengths[$1], $1) }
        var (batches, batch, tokens) = ([PackedInput](), [Int](), 0)
        for index in chosen {
            batch.append(index)
            tokens += Int(lengths[index])
            if tokens >= batchTokens || index == chosen.last {
                batches.append(try Batch(data, indices: batch).input)
                (batch, tokens) = ([], 0)
            }
        }
        self.batches = batches
    }
}
