import Datasets
import Reports
import Transformers

/// Ranking by a cross-encoder: a score for each query with a document, by which the query's documents are ordered.
///
/// A row of outputs is a logit, one for each document of a query; its queries keep their documents together in batches and parts of
/// the data. Labels are how relevant documents are, above 0 for those that are.
struct RankingTask: LearningTask {
    let identifier = TaskIdentifier.ranking
    let outputs = OutputKind.real
    let ranksDocuments = true
    let countTitle = "Training pairs"
    let labelForm = DatasetOptions.LabelForm.number
    /// The one label of a cross-encoder, as sentence-transformers writes it.
    let fixedClassNames: [String]? = ["LABEL_0"]
    let softObjective = "score_mse"
    let labelObjective = "score_bce"
    let labelMetrics = RankingMetrics.names
    let primaryMetric = MetricName.spearman
    let comparedMetrics: [MetricName] = [.spearman, .ndcg]
    let metricForBestWithTeacher = MetricName.agreement
    let shownMetrics = RankingMetrics.names

    func title(of metric: MetricName) -> String? {
        metric == .agreement ? "correlation with teacher" : nil
    }

    /// Rows are read by ``RankingReader``.
    func targets(of rows: [TextRow], from stream: TextStream, _ map: LabelMap) throws -> Targets {
        throw DistillationError("\(stream.path): a model that ranks reads queries with documents")
    }

    func metrics(_ logits: Logits, _ targets: Targets) throws -> MetricValues {
        guard let groups = targets.groups else { return MetricValues() }
        return RankingMetrics.values(logits.values.map(Double.init), groups)
    }

    func primaryValue(_ logits: Logits, _ targets: Targets) -> Double {
        (try? metrics(logits, targets))?[.spearman] ?? .nan
    }

    func byClass(_ logits: Logits, _ targets: Targets, _ names: [String]) -> ClassEvaluation {
        ClassEvaluation()
    }

    func add(_ targets: Targets, student: Logits, teacher: Logits?, to statistics: inout TrainingStatistics) {
        statistics.add(student: student, teacher: teacher, values: [])
    }

    func assess(_ logits: Logits, _ targets: Targets) -> TeacherAssessment {
        let values = (try? metrics(logits, targets)) ?? MetricValues()
        return TeacherAssessment(metric: .spearman, value: values[.spearman] ?? .nan, baseline: 0)
    }

    func predictions(_ logits: Logits, _ labels: [String], threshold: Double) throws -> [Prediction] {
        logits.predictions(labels, .ranking, threshold: threshold)
    }

    var analysis: (any PredictionComparison)? { nil }

    var card: TaskCard {
        TaskCard(
            pipeline: "text-ranking", pipelineTitle: "Text Ranking", library: "sentence-transformers",
            autoModel: "CrossEncoder", table: RankingMetrics.names + [.agreement],
            identifiers: ["ndcg", "map", "mrr"],
            index: [(.ndcg, "ndcg"), (.mrr, "mrr"), (.map, "map")],
            summary: { shape, made, _ in
                "A cross-encoder (\(shape)), \(made): it gives a query with a document a score, by which documents are ranked."
            })
    }
}
