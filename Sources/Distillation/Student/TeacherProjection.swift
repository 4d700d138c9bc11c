import Transformers

/// What a student's start takes from its teacher on the run's training texts: the fit of narrower layers (`projected-teacher`),
/// and the influence of the teacher's layers. Every seed and the baseline start from the same.
final class TeacherProjection {
    /// The number of tokens that a student is fitted on. More change little: on 60,000 tokens in place of 13,000 the divergence
    /// from the teacher was 0.084 and 0.089 before any training (WNUT-17, 6 × 128).
    static let tokenBudget = 16_384
    /// The number of tokens in a batch.
    private static let batchTokens = 2048

    /// The number of tokens of the last fit.
    private(set) var tokens = 0

    private let data: EncodedDataset
    /// The teacher's layers' influence, measured once.
    private var measured: [Double]?
    private var last: (key: Key, source: ProjectedTeacherSource)?

    private struct Key: Equatable {
        let layers: [Int]
        let sizes: [Int]
    }

    /// - Parameter data: The training data, as the teacher reads them.
    init(_ data: EncodedDataset) { self.data = data }

    /// Returns the parameters of a student of these sizes.
    ///
    /// - Throws: `TransformersError` as `ProjectedTeacherSource`; `FileError` where the texts cannot be read.
    func source(_ teacher: TransformerModel, layers: [Int], student: ModelConfiguration) throws
        -> ProjectedTeacherSource
    {
        let key = Key(
            layers: layers,
            sizes: [student.hiddenSize, student.intermediateSize, student.numAttentionHeads])
        if let last, last.key == key { return last.source }
        let texts = try texts()
        let source = try ProjectedTeacherSource(
            teacher: teacher, layers: layers, student: student, texts: texts)
        tokens = texts.reduce(0) { $0 + $1.inputIDs.count }
        last = (key, source)
        return source
    }

    /// The influence of each of the teacher's layers on the training texts.
    func influence(_ teacher: TransformerModel) throws -> [Double] {
        if let measured { return measured }
        var influence = BlockInfluence(teacher)
        for text in try texts() { try influence.add(text) }
        measured = influence.values
        return influence.values
    }

    /// Evenly spaced training texts, those of similar length in a batch.
    private func texts() throws -> [PackedInput] {
        let lengths = data.lengths
        let total = lengths.reduce(0) { $0 + Int($1) }
        let step = max(1, Double(total) / Double(Self.tokenBudget))
        let count = max(1, Int(Double(data.count) / step))
        let chosen = (0..<min(count, data.count)).map { Int(Double($0) * step) }
            .sorted { (lengths[$0], $0) < (lengths[$1], $1) }
        var (batches, batch, tokens) = ([PackedInput](), [Int](), 0)
        for index in chosen {
            batch.append(index)
            tokens += Int(lengths[index])
            if tokens >= Self.batchTokens || index == chosen.last {
                batches.append(try Batch(data, indices: batch).input)
                (batch, tokens) = ([], 0)
            }
        }
        return batches
    }
}
