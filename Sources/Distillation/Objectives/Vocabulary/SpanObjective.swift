import Torch

/// A loss between models with different tokenizers, on spans of text at whose ends both divide it; mean over each text's spans, and over
/// the texts.
///
/// A span's distribution is that of its first token, times the probabilities of the tokens that came after it.
final class SpanObjective: StandardObjective, TokenObjective {
    enum Kind {
        /// The distance of the probabilities in falling order (Boizard et al., "ULD", arXiv 2402.12030).
        case sorted
        /// A divergence on the tokens that both vocabularies have, and the distance of the others in falling order (Patiño et al.,
        /// "GOLD", 2025).
        case hybrid
    }

    static let options: [ObjectiveOption] = [.temperature("1")]
    static let hybridOptions: [ObjectiveOption] =
        options + [
            ObjectiveOption(
                "beta", default: "0.5",
                "0 for KL(teacher ‖ student), 1 for KL(student ‖ teacher), between for Jensen-Shannon"),
            ObjectiveOption(
                "matched", default: "auto",
                "the weight of the tokens that both have, 1 − it that of the others; auto for their fraction of the teacher's tokens"),
        ]

    let name: String
    private let kind: Kind
    private let temperature: Schedule
    private let beta: Double
    /// `nil` for the fraction of the teacher's tokens that both have.
    private let matched: Double?

    convenience init(_ specification: ObjectiveSpecification) throws {
        try self.init(specification, .sorted)
    }

    init(_ specification: ObjectiveSpecification, _ kind: Kind) throws {
        let isHybrid = kind == .hybrid
        let options = try ObjectiveOptions(
            specification, known: isHybrid ? Self.hybridOptions : Self.options)
        name = specification.name
        self.kind = kind
        temperature = try options.positiveSchedule("temperature")
        beta = isHybrid ? try options.number("beta", "from 0 to 1") { (0...1).contains($0) } : 0
        matched =
            try !isHybrid || options.text("matched") == "auto"
            ? nil : options.number("matched", "from 0 to 1, or auto") { (0...1).contains($0) }
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireDistribution(for: name)
        guard !models.problemType.definition.predictsTokens || models.hasSpans else {
            throw DistillationError(
                "\(name) is for a teacher with another tokenizer, but the teacher reads the student's tokens; use kl, which compares the "
                    + "probabilities of each token")
        }
        return ObjectiveNeeds(teacherLogits: true)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        let temperature = temperature.value(at: batch.progress)
        guard let vocabulary = batch.vocabulary else {
            // Of classes, which both models have.
            let logits = batch.student.logits
            let student = try (logits / temperature).softmax()
            let teacher = try (batch.teacherLogits.detached() / temperature).softmax()
            let shared = SharedTokens(
                student: Array(0..<(try logits.size(1))), teacher: Array(0..<(try logits.size(1))))
            return try loss(student, teacher, shared).mean()
        }
        guard let spans = vocabulary.spans else {
            throw DistillationError("\(name): the batch has no spans")
        }
        return try loss(
            spans, batch.student.rows, vocabulary.weight, dtype: vocabulary.dtype, progress: batch.progress)
    }

    /// The loss of a language model's batch.
    func loss(
        _ spans: SpanBatch, _ hidden: Tensor, _ weight: Tensor, dtype: DType, progress: Double
    ) throws -> Tensor {
        try spans.loss(hidden, weight, dtype: dtype, temperature: temperature.value(at: progress)) {
            try loss($0, $1, spans.shared)
        }
    }

    /// (spans) The loss of each span.
    private func loss(_ student: Tensor, _ teacher: Tensor, _ shared: SharedTokens) throws -> Tensor {
        guard kind == .hybrid else { return try SpanLoss.sorted(student, teacher) }
        let weight = try matched ?? Double(shared.teacher.count) / Double(max(1, teacher.size(1)))
        func part(_ tensor: Tensor, _ tokens: [Int]) throws -> Tensor {
            try tensor.indexSelect(dimension: 1, Tensor(tokens.map(Int64.init), device: tensor.device))
        }
        var loss = try student.narrowed(dimension: 1, start: 0, length: 1).sum(1) * 0
        if !shared.teacher.isEmpty, weight > 0 {
            loss =
                try loss + SpanLoss.divergence(
                    part(student, shared.student), part(teacher, shared.teacher), beta: beta) * weight
        }
        if !shared.studentAlone.isEmpty, !shared.teacherAlone.isEmpty, weight < 1 {
            loss =
                try loss + SpanLoss.sorted(
                    part(student, shared.studentAlone), part(teacher, shared.teacherAlone)) * (1 - weight)
        }
        return loss
    }
}
