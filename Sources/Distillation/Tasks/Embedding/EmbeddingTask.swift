import Datasets
import Reports
import Transformers

/// A vector for each text, near those of similar texts: learned from a teacher's vectors, evaluated by scores of how
/// alike two texts are.
///
/// A row of outputs is a text's vector. Both texts of a row of a data file are examples; labels are only evaluated.
struct EmbeddingTask: LearningTask {
    let identifier = TaskIdentifier.embedding
    let outputs = OutputKind.vector
    let embedsTexts = true
    let countTitle = "Training texts"
    let labelForm = DatasetOptions.LabelForm.number
    let softObjective = "sentence_cosine"
    /// There is none: a text has no label of its own.
    let labelObjective = ""
    let labelMetrics = RankingMetrics.names
    let primaryMetric = MetricName.spearman
    let comparedMetrics: [MetricName] = [.spearman, .agreement]
    /// Texts without scores are enough to see how near a student is.
    let metricForBestWithTeacher = MetricName.agreement
    let shownMetrics: [MetricName] =
        [.spearman, .pearson, .ndcg, .mrr, .map, .agreement, .teacherMSE] + TranslationMetrics.names
        + [.mapAt100, .recallAt10]
    let furtherMetrics = TranslationMetrics.names + MetricName.retrieval

    func title(of metric: MetricName) -> String? {
        metric == .agreement ? "similarity to teacher" : nil
    }

    /// Texts are read by ``EmbeddingReader``.
    func targets(of rows: [TextRow], from stream: TextStream, _ map: LabelMap) throws -> Targets {
        throw DistillationError("\(stream.path): a model for embeddings has no labels")
    }

    func metrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues {
        if let groups = targets.groups {
            return RankingMetrics.values(Self.scores(logits, groups), groups)
        }
        guard case .scores(let scores) = targets else { return MetricValues() }
        let (cosines, wanted) = VectorMetrics.similarities(logits, scores)
        guard cosines.count > 1 else { return MetricValues() }
        let metrics = RegressionMetrics(predictions: cosines, labels: wanted)
        var values = MetricValues()
        values[.spearman] = metrics.spearman
        values[.pearson] = metrics.pearson
        return values
    }

    func unlabeledMetrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues {
        guard case .scores(let pairs) = targets, pairs.areTranslations else { return MetricValues() }
        return try TranslationMetrics.accuracies(logits, pairs)
    }

    func primaryValue(_ logits: Logits, _ targets: Targets) -> Double {
        (try? metrics(logits, targets))?[.spearman] ?? .nan
    }

    func countedExamples(_ targets: Targets) -> Int { targets.examples.count { $0.count >= 2 } }

    func byClass(_ logits: Logits, _ targets: Targets, _ names: [String]) -> ClassEvaluation {
        ClassEvaluation()
    }

    func add(_ targets: Targets, student: Logits, teacher: Logits?, to statistics: inout TrainingStatistics) {
        statistics.add(vectors: student, teacher: teacher)
    }

    func assess(_ logits: Logits, _ targets: Targets) -> TeacherAssessment {
        TeacherAssessment(metric: .spearman, value: primaryValue(logits, targets), baseline: 0)
    }

    func predictions(_ logits: Logits, _ labels: [String], threshold: Double) throws -> [Prediction] {
        throw DistillationError("a model for embeddings has no classes; its predictions are vectors")
    }

    var analysis: (any PredictionComparison)? { nil }

    var card: TaskCard {
        TaskCard(
            pipeline: "sentence-similarity", pipelineTitle: "Sentence Similarity",
            library: "sentence-transformers", autoModel: "SentenceTransformer",
            table: [.spearman, .pearson, .agreement, .teacherMSE],
            identifiers: ["spearmanr", "pearsonr"],
            index: [
                (.spearman, "spearman_cosine"), (.pearson, "pearson_cosine"), (.ndcg, "cosine_ndcg@10"),
                (.mrr, "cosine_mrr@10"), (.mapAt100, "cosine_map@100"), (.recallAt10, "cosine_recall@10"),
                (.sourceToTarget, "src2trg_accuracy"), (.targetToSource, "trg2src_accuracy"),
                (.translationAccuracy, "mean_accuracy"),
            ],
            summary: { shape, made, _ in
                "A model for sentence embeddings (\(shape)), \(made): it maps a text to a vector near those of similar texts."
            })
    }
}

extension Targets {
    /// True if a teacher can be compared with a constant on rows with these labels.
    var canAssess: Bool {
        if let groups { return Set(groups.labels.filter { !$0.isNaN }).count > 1 }
        guard case .scores(let scores) = self else { return true }
        return Set(labeledIndices.map { scores.values[$0] }).count > 1
    }
}
