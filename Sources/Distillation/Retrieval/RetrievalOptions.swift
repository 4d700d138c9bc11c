import Foundation

/// The retrieval data set by which a run's checkpoints are evaluated.
public struct RetrievalOptions: Sendable, Equatable {
    /// Whose vectors documents have.
    public enum Documents: String, CaseIterable, Sendable, Codable {
        /// The student's: one model searches.
        case student
        /// The teacher's, while the student embeds queries (Vujanic et al., "LEAF", arXiv 2509.12539).
        case teacher
    }

    /// A directory in BEIR's form, a file of its qrels, or JSON lines (`RetrievalForm`).
    public var data: URL
    public var documents = Documents.student
    public var prompts = RetrievalPrompts()

    public init(_ data: URL) { self.data = data }

    /// The names of the qrels that are taken of several.
    static let splits = ["dev", "validation", "valid", "val"]
}

extension DistillRequest {
    /// The request with the metric that a retrieval data set implies: nDCG chooses the best checkpoint.
    var evaluatedByRetrieval: DistillRequest {
        guard retrieval != nil, training.metricForBestModel == nil else { return self }
        var request = self
        request.training.metricForBestModel = MetricName.ndcg.rawValue
        return request
    }

    /// - Throws: ``DistillationError`` where a metric is to choose that is not measured.
    func requireMeasured() throws {
        guard let name = training.metricForBestModel, retrieval == nil,
            MetricName.retrieval.contains(where: { name == $0.rawValue || name == "eval_\($0.rawValue)" })
        else { return }
        throw DistillationError(
            "metric_for_best_model: \(name) is measured on queries and documents; give them with --validation-retrieval"
        )
    }
}
