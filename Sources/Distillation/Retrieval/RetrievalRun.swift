import Datasets
import Foundation
import Torch
import Transformers

/// The settings of a search for documents.
public struct RetrievalRequest: Sendable {
    public var model: URL
    /// A model to compare with: by itself, and with its vectors of documents for the model's of queries.
    public var teacher: URL?
    /// The model whose vectors documents have; `nil` for the model itself.
    public var documentsBy: URL?
    /// A directory in BEIR's form, a file of its qrels, or JSON lines (`RetrievalForm`).
    public var data: URL
    public var prompts = RetrievalPrompts()
    /// Longer texts are cut to this many tokens; `nil` for the length that each model was trained with.
    public var maxLength: Int?
    /// Texts in one forward pass.
    public var batchSize = 64
    public var device = Device.cpu
    /// The precision of the models.
    public var precision = Precision.float32
    public var cache = CacheOptions()

    /// - Parameters:
    ///   - model: The model's directory.
    ///   - data: The queries, documents and what is relevant.
    public init(model: URL, data: URL) {
        (self.model, self.data) = (model, data)
    }
}

/// Evaluates how well documents are found by the vectors of a model for embeddings.
public struct RetrievalRun {
    public let request: RetrievalRequest

    /// - Throws: ``DistillationError`` for settings out of range.
    public init(_ request: RetrievalRequest) throws {
        try SettingLimits.require(request.batchSize, "batch_size")
        try TextLength.validate(request.maxLength)
        self.request = request
    }

    /// - Parameters:
    ///   - onEvent: Receives the run's events.
    ///   - shouldStop: Called often; true ends the run.
    ///   - processes: The processes that compute a part each; `nil` for this one alone.
    /// - Throws: ``InterruptedError`` where `shouldStop` became true; `DatasetError` that names file and line;
    ///   ``DistillationError`` for models without vectors, or of two widths.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false },
        processes: Processes? = nil
    ) throws -> RetrievalReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        let set = try log.phase("Reading what is relevant") { try RetrievalSet(contentsOf: request.data) }
        for note in set.notes { log.send(.note(note)) }
        let model = try embedded(request.model, set, log, processes)
        let teacher = try request.teacher.map { try embedded($0, set, log, processes) }
        let other = try request.documentsBy.map { try embedded($0, set, log, processes) }
        let similarity = try model.modules.similarity
        let search = RetrievalSearch(similarity: similarity)
        let order = RetrievalOrder.places(of: set.documents.ids)
        let vectors = CachedVectors(
            batchSize: request.batchSize, precision: request.precision, cache: request.cache, log: log,
            processes: processes, shouldStop: shouldStop)
        func result(_ name: String, _ queries: Embedded, _ documents: Embedded) throws
            -> RetrievalReport.Result
        {
            let found = try search.search(
                vectors.vectors(queries.model, queries.data.queries).logits(),
                in: vectors.vectors(documents.model, documents.data.documents), order: order,
                shouldStop: shouldStop)
            guard let found else { throw InterruptedError() }
            return RetrievalReport.Result(
                name: name, queriesBy: queries.model.directory.path,
                documentsBy: documents.model.directory.path,
                metrics: RetrievalMetrics(found, set.evaluated, isGraded: set.isGraded))
        }
        let results = try log.phase("Searching documents") {
            var results: [RetrievalReport.Result] = []
            if let teacher { results.append(try result("teacher", teacher, teacher)) }
            if let other {
                results.append(try result("asymmetric", model, other))
            } else {
                results.append(try result(teacher == nil ? "model" : "student", model, model))
                if let teacher, teacher.width == model.width {
                    results.append(try result("asymmetric", model, teacher))
                }
            }
            return results
        }
        return RetrievalReport(model.data, similarity: similarity, results: results)
    }

    private struct Embedded {
        let model: LoadedModel
        let modules: SentenceTransformer
        let data: EncodedRetrieval
        var width: Int { model.model.configuration.outputCount }
    }

    private func embedded(
        _ directory: URL, _ set: RetrievalSet, _ log: RunLog, _ processes: Processes?
    ) throws -> Embedded {
        let model = try LoadedModel(directory, device: request.device, languageModels: true)
        for warning in model.warnings { log.warnOnce(warning) }
        let reader = try EncodedRetrieval.Reader(model, maxLength: request.maxLength)
        let data = try log.phase("Reading and tokenizing documents") {
            try processes.firstOfMachineFirst {
                try EncodedRetrieval(
                    set, reader, prompts: request.prompts, cache: request.cache, log: log)
            }
        }
        return Embedded(model: model, modules: reader.modules, data: data)
    }
}
