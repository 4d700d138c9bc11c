import Datasets
import Foundation
import Tokenizers
import Transformers

/// A run's retrieval data set, as the student and its teacher read it.
struct RetrievalSetup {
    let options: RetrievalOptions
    let student: EncodedRetrieval
    /// `nil` where there are several teachers, or none is a model.
    let teacher: (model: LoadedModel, data: EncodedRetrieval)?
    let similarity: VectorSimilarity
    /// The place of each document among all, by their names.
    let order: [Int32]

    /// - Returns: `nil` for a run without such data.
    /// - Throws: `DatasetError` that names file and line; ``DistillationError`` for settings that do not fit.
    init?(_ request: DistillRequest, student basis: SetupBasis, teacher: LoadedModel?, log: RunLog) throws {
        guard let options = request.retrieval, let teacher else { return nil }
        guard basis.problemType.definition.embedsTexts else { return nil }
        let set = try log.phase("Reading what is relevant") {
            try RetrievalSet(contentsOf: options.data, splits: RetrievalOptions.splits)
        }
        for note in set.notes { log.send(.note(note)) }
        func encoded(_ reader: EncodedRetrieval.Reader) throws -> EncodedRetrieval {
            try log.phase("Reading and tokenizing documents") {
                try EncodedRetrieval(
                    set, reader, prompts: options.prompts, cache: request.cache, log: log)
            }
        }
        let theirs = try EncodedRetrieval.Reader(teacher, maxLength: request.data.maxLength)
        var modules = theirs.modules
        if let directory = request.student.directory, SentenceTransformer.isDirectory(directory) {
            modules = try SentenceTransformer(contentsOf: directory)
        }
        let own = EncodedRetrieval.Reader(
            modules: modules, tokenizer: basis.tokenizer, directory: basis.directory,
            maxLength: basis.maxLength)
        student = try encoded(own)
        let isSingle = request.teachers.count == 1
        guard isSingle || options.documents == .student else {
            throw DistillationError(
                "--retrieval-documents teacher: there are \(request.teachers.count) teachers, whose vectors together documents do not have; "
                    + "leave it out, or give one --teacher")
        }
        self.teacher = isSingle ? (teacher, try encoded(theirs)) : nil
        similarity = try modules.similarity
        order = RetrievalOrder.places(of: set.documents.ids)
        self.options = options
    }
}

/// Evaluates a student in training by the documents that it finds.
struct RetrievalEvaluator {
    let setup: RetrievalSetup
    /// The teacher's vectors of documents, where these are searched.
    let documents: (any TeacherOutputs)?
    let batchSize: Int
    let processes: Processes?

    /// How well documents are found for a student's queries.
    ///
    /// - Parameter ownDocuments: True to search the student's documents, false the teacher's; `nil` as the run is to.
    /// - Returns: `nil` where it was stopped.
    func metrics(
        _ model: TransformerModel, ownDocuments: Bool? = nil, shouldStop: () -> Bool = { false }
    ) throws -> RetrievalMetrics? {
        func vectors(_ dataset: EncodedDataset) throws -> Logits? {
            try Inference.logits(
                model, dataset, batchSize: batchSize, of: "the model in training", processes: processes,
                shouldStop: shouldStop)
        }
        guard let queries = try vectors(setup.student.queries) else { return nil }
        let isOwn = ownDocuments ?? (setup.options.documents == .student)
        guard let searched = isOwn ? try vectors(setup.student.documents) : documents else { return nil }
        return try metrics(queries, searched, shouldStop: shouldStop)
    }

    private func metrics(
        _ queries: Logits, _ documents: any TeacherOutputs, shouldStop: () -> Bool
    ) throws -> RetrievalMetrics? {
        let set = setup.student.set
        return try RetrievalSearch(similarity: setup.similarity).search(
            queries, in: documents, order: setup.order, shouldStop: shouldStop
        ).map { RetrievalMetrics($0, set.evaluated, isGraded: set.isGraded) }
    }

    /// How well the teacher finds its own documents; `nil` where there is none, or it was stopped.
    func teacherMetrics(_ vectors: CachedVectors) throws -> RetrievalMetrics? {
        guard let teacher = setup.teacher, let documents else { return nil }
        return try metrics(
            vectors.vectors(teacher.model, teacher.data.queries).logits(), documents,
            shouldStop: vectors.shouldStop)
    }
}

extension RetrievalEvaluator {
    /// The evaluator of a run, with the teacher's vectors of documents.
    ///
    /// - Returns: `nil` where the run has no retrieval data set.
    /// - Throws: ``InterruptedError`` where it was stopped; ``DistillationError`` where queries and documents would have vectors of two
    ///   widths.
    init?(_ setup: DistillationSetup, _ context: RunContext) throws {
        guard let retrieval = setup.retrieval else { return nil }
        self.setup = retrieval
        batchSize = setup.request.training.perDeviceEvalBatchSize
        processes = context.processes
        let vectors = CachedVectors(
            batchSize: batchSize, cache: setup.request.cache, log: context.log, processes: processes,
            shouldStop: context.shouldStop)
        documents = try retrieval.teacher.map { teacher in
            try context.log.phase("Teacher's documents") {
                try vectors.vectors(teacher.model, teacher.data.documents)
            }
        }
    }
}
