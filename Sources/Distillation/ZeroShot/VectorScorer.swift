import Tokenizers
import Transformers

/// Scores labels by a model for embeddings: a label's logit is the cosine of the text's vector with that of the label in the template,
/// times a scale.
struct VectorScorer: ZeroShotScorer {
    let textsAtOnce = 32_768
    let inputsPerText = 1
    private let teacher: LoadedModel
    private let maxLength: Int
    private let scale: Double
    private let labels: [[Float]]

    /// - Parameters:
    ///   - teacher: The model for embeddings.
    ///   - vectors: Its outputs for some inputs; `nil` where it is stopped.
    /// - Throws: ``DistillationError`` for labels that do not exclude one another, as cosines are no decisions, and for one that is longer
    ///   than the model reads.
    init?(
        _ teacher: LoadedModel, _ options: ZeroShotOptions, maxLength: Int,
        vectors: (EncodedDataset) throws -> (any TeacherOutputs)?
    ) throws {
        guard !options.isMultiLabel else {
            throw DistillationError(
                "\(teacher.directory.path): a model for embeddings tells which label is nearest, not whether each applies; leave "
                    + "--multi-label out, or take a model of natural language inference")
        }
        (self.teacher, self.maxLength) = (teacher, maxLength)
        scale = options.scale ?? ZeroShotOptions.usualScale
        let texts = options.labels.map(options.hypothesis)
        guard let outputs = try vectors(Self.labelInputs(texts, teacher)) else { return nil }
        labels = try texts.indices.map { index in
            var vector: [Float] = []
            try outputs.appendRow(index, to: &vector)
            return vector
        }
    }

    func inputs(_ texts: [String]) throws -> (dataset: EncodedDataset, cut: Int) {
        try Self.inputs(texts, teacher, maxLength)
    }

    /// The labels stay whole, whatever texts are cut to.
    private static func labelInputs(_ texts: [String], _ teacher: LoadedModel) throws -> EncodedDataset {
        let positions = teacher.model.configuration.maxLength
        let all = try inputs(texts, teacher, positions)
        if all.cut > 0, let text = try texts.first(where: { try inputs([$0], teacher, positions).cut > 0 }) {
            throw DistillationError(
                "--labels: '\(text)' is longer than the \(positions) tokens that \(teacher.directory.path) reads; shorten the label or "
                    + "the --template")
        }
        return all.dataset
    }

    private static func inputs(
        _ texts: [String], _ teacher: LoadedModel, _ maxLength: Int
    ) throws -> (dataset: EncodedDataset, cut: Int) {
        let encoding = try teacher.tokenizer.encodeFlat(
            batch: texts.map { TextPair(teacher.prompt + $0) }, maxLength: maxLength,
            truncation: .longestFirst)
        let dataset = EncodedDataset(
            inputIDs: encoding.ids, tokenTypeIDs: encoding.typeIDs, offsets: encoding.offsets,
            labels: [Int](repeating: BatchLabels.unlabelled, count: texts.count), maxLength: maxLength)
        return (dataset, encoding.cutCount)
    }

    func logits(of text: Int, in outputs: any TeacherOutputs) throws -> [Float] {
        var vector: [Float] = []
        try outputs.appendRow(text, to: &vector)
        return labels.map { Float(scale * VectorMetrics.cosine(vector[...], $0[...])) }
    }
}
