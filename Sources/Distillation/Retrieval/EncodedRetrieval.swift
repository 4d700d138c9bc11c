import Datasets
import Foundation
import Tokenizers
import Torch
import Transformers

/// A retrieval data set as a model reads it.
struct EncodedRetrieval {
    let set: RetrievalSet
    /// The evaluated queries.
    let queries: EncodedDataset
    let documents: EncodedDataset
    let queryPrompt: String
    let documentPrompt: String

    /// What reads a model's texts.
    struct Reader {
        let modules: SentenceTransformer
        let tokenizer: Tokenizer
        let directory: URL
        let maxLength: Int
    }

    /// - Throws: `DatasetError` that names file and line; the errors of ``SentenceTransformer/prompt(for:_:)``.
    init(
        _ set: RetrievalSet, _ reader: Reader, prompts: RetrievalPrompts, cache: CacheOptions, log: RunLog
    ) throws {
        self.set = set
        func encoded(_ texts: RetrievalSet.Texts, _ part: RetrievalPart, _ prompt: String) throws
            -> EncodedDataset
        {
            var loader = cache.loader(
                DatasetOptions(), tokenizer: reader.tokenizer, directory: reader.directory,
                maxLength: reader.maxLength, prompt: prompt, log: log)
            loader.retrieval = RetrievalSource(part: part, form: set.form)
            let data = try loader.load(texts.file, labels: .ignored, problemType: .embedding).dataset
            guard data.count == texts.ids.count else {
                throw DatasetError.changed(texts.file.path(percentEncoded: false))
            }
            return data
        }
        queryPrompt = try reader.modules.prompt(for: .queries, prompts)
        documentPrompt = try reader.modules.prompt(for: .documents, prompts)
        queries = try encoded(set.queries, .queries, queryPrompt).subset(set.evaluated.map(\.query))
        documents = try encoded(set.documents, .documents, documentPrompt)
    }
}

extension EncodedRetrieval.Reader {
    /// What reads a model's texts as its directory says.
    ///
    /// - Parameter wanted: The tokens of a text that are read; `nil` for as many as the model was trained with.
    /// - Throws: ``DistillationError`` for a model that gives no vectors.
    init(_ model: LoadedModel, maxLength wanted: Int?) throws {
        guard let modules = model.model.configuration.embedding else {
            throw DistillationError(
                "\(model.directory.path): is a model for \(model.model.configuration.task.rawValue); retrieval needs vectors of texts, "
                    + "which a sentence-transformers directory gives")
        }
        self.init(
            modules: modules, tokenizer: model.tokenizer, directory: model.tokenizerDirectory,
            maxLength: model.maxLength(wanted))
    }
}

/// A frozen model's vectors of texts, from the cache where they are there.
struct CachedVectors {
    let batchSize: Int
    var precision = Precision.float32
    let cache: CacheOptions
    let log: RunLog
    var processes: Processes?
    let shouldStop: () -> Bool

    /// - Throws: ``InterruptedError`` where it was stopped; what was computed is kept.
    func vectors(_ model: LoadedModel, _ dataset: EncodedDataset) throws -> any TeacherOutputs {
        let inference = TeacherInference(
            teacher: model, batchSize: batchSize, precision: precision, processes: processes)
        let store =
            cache.teacherOutputs
            ? OutputStore(
                root: cache.root,
                identity: try TeacherIdentity(
                    model, precision: precision, memo: DigestMemo(root: cache.root)),
                isReadOnly: !processes.isFirst) : OutputStore(model.outputForm(.float32))
        let result = try inference.outputs(
            for: dataset, in: store, onProgress: { log.progress($0, of: dataset.count) },
            shouldStop: shouldStop)
        for warning in store.warnings { log.warnOnce(warning) }
        guard let result else { throw InterruptedError() }
        return result.outputs
    }
}
