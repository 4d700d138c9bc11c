import Datasets
import Tokenizers
import Transformers

/// Scores labels as transformers' zero-shot pipeline does: for each text and label a model of natural language inference reads the text
/// and the label's hypothesis. The logits of entailment are those of the labels; for labels that do not exclude one another, entailment
/// less contradiction is the logit of each.
struct EntailmentScorer: ZeroShotScorer {
    let teacher: LoadedModel
    let options: ZeroShotOptions
    let maxLength: Int
    private let classes: EntailmentClasses
    private let hypotheses: [String]
    /// The hypothesis of most tokens, beside which the least of a text has room.
    private let longest: String

    /// Pairs of a text and a hypothesis that are computed together.
    private static let pairsAtOnce = 32_768

    /// - Throws: ``DistillationError`` for a model without entailment, and for a hypothesis beside which no token of a text has room.
    init(_ teacher: LoadedModel, _ options: ZeroShotOptions, maxLength: Int) throws {
        guard options.scale == nil else {
            throw DistillationError(
                "\(teacher.directory.path): --scale is of the cosines of a model for embeddings, and this is a model of natural language "
                    + "inference; leave it out")
        }
        (self.teacher, self.options, self.maxLength) = (teacher, options, maxLength)
        classes = try EntailmentClasses(teacher.labels.names, of: teacher.directory.path)
        hypotheses = options.labels.map(options.hypothesis)
        let encoded = try teacher.tokenizer.encodeFlat(
            batch: hypotheses.map { TextPair($0) }, maxLength: nil, truncation: .longestFirst)
        let lengths = hypotheses.indices.map { encoded.offsets[$0 + 1] - encoded.offsets[$0] }
        longest = zip(lengths, hypotheses).max { $0.0 < $1.0 }?.1 ?? ""
        try requireRoom()
    }

    /// - Throws: ``DistillationError`` where the longest hypothesis leaves no room for a token of a text.
    private func requireRoom() throws {
        let alone = try teacher.tokenizer.encodeFlat(
            batch: [TextPair("", pair: longest)], maxLength: nil, truncation: .onlyFirst)
        guard alone.ids.count >= maxLength else { return }
        let positions = teacher.model.configuration.maxLength
        let limit =
            alone.ids.count < positions
            ? "the \(maxLength) tokens that are read; give at least --max-length \(alone.ids.count + 1), or shorten"
            : "the \(positions) tokens that \(teacher.directory.path) reads; shorten"
        throw DistillationError(
            "--labels: '\(DatasetError.shown(longest))' has \(alone.ids.count) tokens with the special ones, "
                + "which leaves no room for a text among \(limit) the label or the --template")
    }

    var textsAtOnce: Int { max(1, Self.pairsAtOnce / hypotheses.count) }
    var inputsPerText: Int { hypotheses.count }

    func inputs(_ texts: [String]) throws -> (dataset: EncodedDataset, cut: Int) {
        let pairs = texts.flatMap { text in hypotheses.map { TextPair(text, pair: $0) } }
        // The hypothesis stays whole.
        let encoding = try teacher.tokenizer.encodeFlat(
            batch: pairs, maxLength: maxLength, truncation: .onlyFirst)
        let dataset = EncodedDataset(
            inputIDs: encoding.ids, tokenTypeIDs: encoding.typeIDs, offsets: encoding.offsets,
            labels: [Int](repeating: BatchLabels.unlabelled, count: pairs.count), maxLength: maxLength)
        let cut =
            encoding.cutCount == 0
            ? 0
            : try teacher.tokenizer.encodeFlat(
                batch: texts.map { TextPair($0, pair: longest) }, maxLength: maxLength,
                truncation: .onlyFirst
            ).cutCount
        return (dataset, cut)
    }

    func logits(of text: Int, in outputs: any TeacherOutputs) throws -> [Float] {
        let count = options.labels.count
        return try (0..<count).map { label in
            var pair: [Float] = []
            try outputs.appendRow(text * count + label, to: &pair)
            let entailment = pair[classes.entailment]
            return options.isMultiLabel ? entailment - pair[classes.contradiction] : entailment
        }
    }
}

/// The classes of a model of natural language inference.
struct EntailmentClasses: Equatable {
    let entailment: Int
    let contradiction: Int

    /// - Parameters:
    ///   - names: The names of the model's classes; their case does not count.
    ///   - path: The model, for errors.
    /// - Throws: ``DistillationError`` for a model without entailment.
    init(_ names: [String], of path: String) throws {
        let plain = names.map { $0.lowercased() }
        guard names.count > 1, let entailment = plain.firstIndex(where: { $0.hasPrefix("entail") }) else {
            throw DistillationError(
                "\(path): none of its labels (\(names.joined(separator: ", "))) is entailment; --zero-shot needs a model of natural "
                    + "language inference (MNLI), whose config.json names entailment in id2label, or a model for embeddings"
            )
        }
        self.entailment = entailment
        contradiction =
            plain.firstIndex { $0.hasPrefix("contradict") || $0.hasPrefix("not_entail") }
            ?? (entailment == 0 ? names.count - 1 : 0)
    }
}
