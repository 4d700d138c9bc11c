import Torch
import Transformers

/// How losses on a query's documents get the scores that they compare: a cross-encoder's are its outputs, of a model for embeddings they
/// are the similarities of the query's vector with the documents'.
struct PairScoring {
    /// The score of two vectors.
    enum Similarity: String, CaseIterable {
        case dot, cos
    }

    static let similarity = ObjectiveOption(
        "similarity", default: "dot", "of vectors: dot product or cos; of models for embeddings alone")
    static let scale = ObjectiveOption("scale", default: "1", "multiplies the student's scores")
    static let teacherScale = ObjectiveOption(
        "teacher_scale", default: "1", "multiplies the teacher's scores, such as those that a sigmoid gave")
    static func source(_ source: ScoreSource) -> ObjectiveOption {
        ObjectiveOption(
            "targets", default: source.rawValue, "what scores are compared with: teacher or labels")
    }
    static let options = [similarity, scale]

    let similarity: Similarity
    let scale: Double
    let teacherScale: Double
    let source: ScoreSource
    /// True if a row of the student is a text's vector.
    private(set) var hasVectors = false
    /// True if a row of the teacher is one score, not a vector.
    private var teacherScores = false

    /// - Parameter source: What scores are compared with; `nil` where an option says so.
    init(_ options: ObjectiveOptions, _ source: ScoreSource?) throws {
        similarity = try options.choice("similarity")
        scale = try options.number("scale", "above 0") { $0 > 0 }
        self.source = try source ?? options.choice("targets")
        teacherScale =
            source == .labels ? 1 : try options.number("teacher_scale", "above 0") { $0 > 0 }
    }

    /// - Throws: ``DistillationError`` for models that rank nothing, and for scores that there are not.
    mutating func prepare(_ models: ObjectiveModels, objective: String) throws -> ObjectiveNeeds {
        let task = models.problemType.definition
        guard task.ranksDocuments || task.embedsTexts else {
            throw models.refusal(
                of: objective,
                "it compares the scores of a query's documents, of cross-encoders and models for embeddings; use \(task.softObjective)"
            )
        }
        guard models.groups.areThere else {
            throw DistillationError(
                "\(objective) compares the scores of a query's documents, but the training data have texts alone; give rows with a query "
                    + "and its documents")
        }
        hasVectors = task.embedsTexts
        guard hasVectors || similarity == .dot else {
            throw DistillationError(
                "\(objective): similarity is of vectors, but a cross-encoder gives scores; leave it out")
        }
        guard source == .teacher else { return ObjectiveNeeds(labels: true) }
        try models.requireTeacher(for: objective)
        teacherScores = models.groups.teacherScoresPairs || !hasVectors
        return ObjectiveNeeds(teacherLogits: true)
    }

    /// The scores of all documents of a batch that have something to be compared with, group after group.
    ///
    /// - Parameter least: The fewest documents of a group that counts.
    /// - Throws: ``DistillationError`` for a batch of other data.
    func scores(_ batch: ObjectiveBatch, least: Int) throws -> GroupScores {
        guard let targets = batch.labels.groups else {
            throw DistillationError("there are no queries with documents in this batch")
        }
        var (rows, queries, groups) = ([Int](), [Int](), [Range<Int>]())
        for (range, documents) in zip(targets.ranges, targets.documents) {
            let own = source == .teacher ? Array(documents) : documents.filter { !targets.labels[$0].isNaN }
            guard own.count >= least else { continue }
            groups.append(rows.count..<rows.count + own.count)
            rows += own
            queries += own.map { _ in range.lowerBound }
        }
        let student = try scores(batch.student.logits, rows, queries, isScore: !hasVectors) * scale
        let target =
            switch source {
            case .labels: try Tensor(rows.map { targets.labels[$0] }, device: student.device)
            case .teacher:
                try scores(batch.teacherLogits.detached(), rows, queries, isScore: teacherScores)
                    * teacherScale
            }
        return GroupScores(student: student, target: target, groups: groups)
    }

    /// (D) The scores of documents, from the outputs of all rows.
    private func scores(_ outputs: Tensor, _ rows: [Int], _ queries: [Int], isScore: Bool) throws -> Tensor {
        guard !rows.isEmpty else {
            return try outputs.reshaped([-1]).narrowed(dimension: 0, start: 0, length: 0)
        }
        func some(_ rows: [Int]) throws -> Tensor {
            try outputs.indexSelect(dimension: 0, Tensor(rows, device: outputs.device))
        }
        guard !isScore else { return try some(rows).selected(dimension: 1, index: 0) }
        var (query, document) = (try some(queries), try some(rows))
        if similarity == .cos { (query, document) = (try query.normalized(), try document.normalized()) }
        return try (query * document).sum(-1)
    }

    /// The scores of a whole batch's queries with all of its documents, of all processes.
    func allScores(_ batch: ObjectiveBatch) throws -> BatchScores {
        guard let targets = batch.allGroups else {
            throw DistillationError("there are no queries with documents in this batch")
        }
        var vectors = try batch.allExamples(batch.student.logits)
        if similarity == .cos { vectors = try vectors.normalized() }
        let (ranges, documents) = (targets.ranges, targets.documents)
        let rows = documents.flatMap { Array($0) }
        func some(_ tensor: Tensor, _ rows: [Int]) throws -> Tensor {
            try tensor.indexSelect(dimension: 0, Tensor(rows, device: tensor.device))
        }
        let scores =
            try some(vectors, ranges.map(\.lowerBound)).matmul(some(vectors, rows).transposed()) * scale
        var teacher: [Float]?
        if source == .teacher {
            let outputs = try batch.allExamples(batch.teacherLogits.detached())
            let queries = zip(ranges, documents).flatMap { range, own in own.map { _ in range.lowerBound } }
            teacher = try (self.scores(outputs, rows, queries, isScore: teacherScores) * teacherScale)
                .to(.float32, .cpu).array()
        }
        return BatchScores(
            scores: scores, counts: documents.map(\.count), values: teacher ?? rows.map { targets.labels[$0] }
        )
    }
}

/// A batch's queries with the documents of all of them.
struct BatchScores {
    /// (Q, D) in the graph.
    let scores: Tensor
    /// The number of documents of each query, which follow one another among all.
    let counts: [Int]
    /// The teacher's score, or the label, of each document for its own query.
    let values: [Float]
}

extension ObjectiveBatch {
    /// The queries with documents of all processes' parts, in the batch's order; `nil` of other data.
    var allGroups: GroupTargets? {
        guard let exchange else { return labels.groups }
        let parts = exchange.share.counts.compactMap(\.targets.groups)
        return parts.dropFirst().reduce(into: parts.first) { all, part in
            all?.labels += part.labels
            all?.scores += part.scores
            all?.groups += part.groups
        }
    }
}
