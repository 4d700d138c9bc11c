import Foundation

/// A language model's teacher of whom files of log-probabilities tell.
struct ToldTeacher {
    private let store: OutputStore

    /// Reads the files.
    ///
    /// - Throws: ``DistillationError`` for a model that is no language model; what ``LogprobsFile`` throws.
    init(_ setup: DistillationSetup, _ log: RunLog) throws {
        guard let teacher = setup.teacher else {
            throw DistillationError(
                "teacher_logprobs: the model that is trained is missing; name it with --student")
        }
        let (request, configuration) = (setup.request, teacher.model.configuration)
        guard setup.problemType.definition.predictsTokens,
            let text = try LanguageModelText.of(
                configuration, in: setup.tokenizerDirectory, setup.tokenizer, request.data.columns,
                maxLength: setup.data.maxLength),
            case .topK(let outcomes) = request.teacherForm
        else {
            throw DistillationError(
                "teacher_logprobs: \(teacher.directory.path) is no language model, whose tokens have log-probabilities"
            )
        }
        store = OutputStore(teacher.outputForm(request.teacherForm))
        let vocabulary = min(setup.tokenizer.vocabularySize, configuration.vocabSize)
        let matcher = TokenMatcher(setup.tokenizer, vocabularySize: vocabulary)
        for (url, data) in zip(request.teacherLogprobs, request.filesWithLogprobs) {
            let file = LogprobsFile(url: url, text: text, outcomes: outcomes, matcher: matcher)
            let unknown = try file.read(for: data, into: store)
            if unknown > 0 {
                log.send(
                    .note(
                        "\(url.path): \(unknown) of the listed tokens are not the tokenizer's; their probabilities count with the rest."
                    ))
            }
        }
        try store.flush()
    }

    /// The outcomes of a data set's rows.
    ///
    /// - Throws: ``DistillationError`` where a text has none.
    func outputs(for dataset: EncodedDataset) throws -> any TeacherOutputs {
        var (keys, rows) = (RowKeys(dataset), [UInt32]())
        for index in 0..<dataset.count {
            for key in try keys.next(index) {
                guard let row = store.row(of: key) else {
                    throw DistillationError(
                        "teacher_logprobs: text \(index + 1) of a data file has no log-probabilities; give the file that belongs to it"
                    )
                }
                rows.append(UInt32(row))
            }
        }
        return StoredTeacherOutputs(classes: store.classes, segments: store.segments, rows: rows)
    }
}
