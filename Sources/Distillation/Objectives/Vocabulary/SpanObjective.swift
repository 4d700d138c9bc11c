import Torch

/// A loss between models with different tokenizers, on spans of text at whose ends both divide it; mean over each text's spans, and over
/// the texts.
final class SpanObjective: StandardObjective, TokenObjective {
    enum Kind {
        /// The distance of the probabilities in falling order (Boizard et al., "ULD", arXiv 2402.12030).
        case sorted
        /// A divergence on the tokens that both vocabularies have, and the distance of the others in falling order (Patiño et al.,
        /// "GOLD", 2025).
        case hybrid
    }

    static let options: [ObjectiveOption] = [
        .temperature("1"),
        ObjectiveOption(
            "merge", default: "observed",
            "observed: a span's first token's distribution times the later tokens' probabilities; bayesian: its last token's times "
                + "the earlier ones'"),
    ]
    static let hybridOptions: [ObjectiveOption] =
        options + [
            ObjectiveOption(
                "beta", default: "0.5",
                "0 for KL(teacher ‖ student), 1 for KL(student ‖ teacher), between for Jensen-Shannon"),
            ObjectiveOption(
                "matched", default: "auto",
                "the weight of the tokens that both have, 1 − it that of the others; auto for their fraction of the teacher's tokens"
            ),
        ]

    let name: String
    private(set) var unit = LossUnit.examples
    private let kind: Kind
    private let temperature: Schedule
    private let merge: SpanMerge
    private let beta: Double
    /// `nil` for the fraction of the teacher's tokens that both have.
    private let matched: Double?
    /// The tokens that both output layers have, of the layers that came last.
    private var columns: Columns?

    /// The columns of the two models' probabilities.
    private struct Columns {
        var widths: [Int]
        /// Of the tokens that both have, and of the others: the student's, the teacher's; `nil` where there are none.
        var shared: (Tensor, Tensor)?
        var alone: (Tensor, Tensor)?
        /// The fraction of the teacher's tokens that both have.
        var fraction: Double
    }

    convenience init(_ specification: ObjectiveSpecification) throws {
        try self.init(specification, .sorted)
    }

    init(_ specification: ObjectiveSpecification, _ kind: Kind) throws {
        let isHybrid = kind == .hybrid
        let options = try ObjectiveOptions(
            specification, known: isHybrid ? Self.hybridOptions : Self.options)
        name = specification.name
        self.kind = kind
        temperature = try options.temperature()
        merge = try options.choice("merge")
        beta = isHybrid ? try options.number("beta", "from 0 to 1") { (0...1).contains($0) } : 0
        matched =
            try !isHybrid || options.text("matched") == "auto"
            ? nil : options.number("matched", "from 0 to 1, or auto") { (0...1).contains($0) }
    }

    func prepare(_ models: ObjectiveModels) throws -> ObjectiveNeeds {
        try models.requireTeacher(for: name)
        try models.requireDistribution(for: name)
        let predictsTokens = models.problemType.definition.predictsTokens
        guard !predictsTokens || models.hasSpans else {
            throw DistillationError(
                "\(name) is for a teacher with another tokenizer, but the teacher reads the student's tokens; use kl, which compares the "
                    + "probabilities of each token")
        }
        unit = predictsTokens ? .examples : .rows
        return ObjectiveNeeds(teacherLogits: true)
    }

    func loss(_ batch: ObjectiveBatch) throws -> Tensor {
        guard let vocabulary = batch.vocabulary else {
            let temperature = temperature.value(at: batch.progress)
            let student = try (batch.student.logits / temperature).softmax()
            let teacher = try (batch.teacherLogits.detached() / temperature).softmax()
            // Of classes, which both models have.
            let all = Array(0..<(try student.size(1)))
            return try loss(student, teacher, SharedTokens(student: all, teacher: all)).mean()
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
        try spans.loss(
            hidden, weight, dtype: dtype, temperature: temperature.value(at: progress), merge: merge
        ) {
            try loss($0, $1, spans.shared)
        }
    }

    /// (spans) The loss of each span.
    private func loss(_ student: Tensor, _ teacher: Tensor, _ shared: SharedTokens) throws -> Tensor {
        guard kind == .hybrid else { return try SpanLoss.sorted(student, teacher) }
        let columns = try columns(shared, student, teacher)
        let weight = matched ?? columns.fraction
        var loss = try student.narrowed(dimension: 1, start: 0, length: 1).sum(1) * 0
        func parts(_ own: (Tensor, Tensor)) throws -> (Tensor, Tensor) {
            (try student.indexSelect(dimension: 1, own.0), try teacher.indexSelect(dimension: 1, own.1))
        }
        if let both = columns.shared, weight > 0 {
            let (own, theirs) = try parts(both)
            loss = try loss + SpanLoss.divergence(own, theirs, beta: beta) * weight
        }
        // As in TRL, nothing is compared where one vocabulary has no token of its own.
        if let others = columns.alone, weight < 1 {
            let (own, theirs) = try parts(others)
            loss = try loss + SpanLoss.sorted(own, theirs) * (1 - weight)
        }
        return loss
    }

    private func columns(_ shared: SharedTokens, _ student: Tensor, _ teacher: Tensor) throws -> Columns {
        let widths = [try student.size(1), try teacher.size(1)]
        if let columns, columns.widths == widths { return columns }
        let own = shared.fitting(student: widths[0], teacher: widths[1])
        func tensors(_ student: [Int], _ teacher: [Int], _ device: Device) throws -> (Tensor, Tensor)? {
            guard !student.isEmpty, !teacher.isEmpty else { return nil }
            return (
                try Tensor(student.map(Int64.init), device: device),
                try Tensor(teacher.map(Int64.init), device: device)
            )
        }
        let device = student.device
        let made = Columns(
            widths: widths, shared: try tensors(own.student, own.teacher, device),
            alone: try tensors(own.studentAlone, own.teacherAlone, device),
            fraction: Double(own.teacher.count) / Double(max(1, widths[1])))
        columns = made
        return made
    }
}
