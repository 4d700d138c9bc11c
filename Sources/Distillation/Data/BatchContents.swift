/// What a batch is made of, in arrays that any thread may assemble.
struct BatchContents: Sendable, Equatable {
    /// The examples' places in the data set.
    let indices: [Int]
    let examples: [EncodedExample]
    let labels: [Int64]

    init(_ dataset: EncodedDataset, indices: [Int]) throws {
        self.indices = indices
        examples = try indices.map { try dataset.example($0) }
        labels = indices.map { Int64(dataset.label(of: $0)) }
    }
}
