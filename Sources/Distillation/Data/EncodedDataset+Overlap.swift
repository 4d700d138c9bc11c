extension EncodedDataset {
    /// The number of another data set's examples with exactly the tokens of one of this one's. Memory is taken for the other's
    /// alone, which is the smaller.
    func sharedExamples(with other: EncodedDataset) throws -> Int {
        var wanted: Set<ExampleKey> = []
        try other.forEachKey { wanted.insert($0) }
        var found: Set<ExampleKey> = []
        try forEachKey { if wanted.contains($0) { found.insert($0) } }
        var count = 0
        try other.forEachKey { if found.contains($0) { count += 1 } }
        return count
    }

    private func forEachKey(_ body: (ExampleKey) -> Void) throws {
        var (example, scratch) = (EncodedExample(), [UInt8]())
        for index in 0..<count {
            try read(index, into: &example)
            body(ExampleKey(example, scratch: &scratch))
        }
    }
}
