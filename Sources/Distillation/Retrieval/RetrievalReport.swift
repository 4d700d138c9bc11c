import Datasets

/// The results of a retrieval data set.
public struct RetrievalReport: Sendable, Equatable, Codable {
    /// A search: who embedded what, and how well it went.
    public struct Result: Sendable, Equatable, Codable {
        /// `teacher`, `student` or `model`; `asymmetric` where documents are another model's.
        public var name: String
        /// The directory of the model of the queries.
        public var queriesBy: String
        /// The directory of the model of the documents.
        public var documentsBy: String
        public var metrics: RetrievalMetrics
    }

    /// The directory or file.
    public var data: String
    /// The file that says what is relevant.
    public var judgments: String
    /// The evaluated queries.
    public var queries: Int
    public var documents: Int
    /// The pairs of a query and a document that is relevant to it.
    public var relevant: Int
    /// What stands before queries and documents, of the model itself.
    public var queryPrompt: String
    public var documentPrompt: String
    public var similarity: String
    public var results: [Result]

    init(_ data: EncodedRetrieval, similarity: VectorSimilarity, results: [Result]) {
        let set = data.set
        self.data = set.path
        judgments = set.judgments.path(percentEncoded: false)
        (queries, documents) = (set.evaluated.count, set.documents.ids.count)
        relevant = set.relevantCount
        (queryPrompt, documentPrompt) = (data.queryPrompt, data.documentPrompt)
        self.similarity = similarity.rawValue
        self.results = results
    }

    /// The result of a name.
    public subscript(name: String) -> Result? { results.first { $0.name == name } }
}

extension RetrievalMetrics {
    /// Those by which checkpoints may be chosen, as metrics of a model.
    var values: MetricValues {
        var values = MetricValues()
        for name in MetricName.retrieval { values[name] = self[name.rawValue] }
        return values
    }
}

extension MetricName {
    /// The measures of a retrieval data set.
    public static let retrieval: [MetricName] = [.ndcg, .mrr, .mapAt100, .recallAt10]
}
