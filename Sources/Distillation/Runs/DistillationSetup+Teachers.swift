import Datasets
import Foundation
import Tokenizers
import Transformers

/// The teachers of a run, and the data as each reads them.
extension DistillationSetup {
    /// The teachers that can be used, each with the data as it reads them.
    static func sources(
        _ request: DistillRequest, _ classifiers: [LoadedModel?],
        student: (data: RunData?, basis: SetupBasis), _ log: RunLog, _ findings: Diagnostics
    ) throws -> [LoadedTeacher] {
        guard let data = student.data, let first = classifiers.lazy.compactMap(\.self).first else {
            return []
        }
        // What is kept of each are hidden states of its own.
        guard
            request.teachers.count + request.scores.count == 1
                || !first.model.configuration.task.predictsTokens
        else {
            throw DistillationError(
                "there are \(request.teachers.count + request.scores.count) teachers, but a model for "
                    + "\(first.model.configuration.task.rawValue) learns from one; give one --teacher")
        }
        return try zip(request.teachers, classifiers).compactMap { teacher, classifier in
            guard let classifier else { return nil }
            let source = try findings.attempt {
                let columns = try Self.columns(of: classifier, like: first)
                if let vocabulary = try Self.vocabulary(request, classifier, student.basis) {
                    return LoadedTeacher(
                        request: teacher, classifier: classifier,
                        data: data.renumbered(vocabulary.teacherIDs), columns: columns, vocabulary: vocabulary
                    )
                }
                var source = LoadedTeacher(
                    request: teacher, classifier: classifier,
                    data: try Self.data(
                        request, classifier, student: (data, student.basis), labels: first.labels, log),
                    columns: columns)
                source.spans = try Self.spans(request, source, (data, student.basis), log)
                if let spans = source.spans { findings.add(.note, Self.note(spans)) }
                return source
            }
            if let source { try findings.attempt { try Self.requireSameRows(source, data) } }
            return source
        }
    }

    /// The teacher's tokens that the student has, where these are some of them; `nil` for other pairs.
    ///
    /// - Throws: ``DistillationError`` where too little is kept of the teacher.
    private static func vocabulary(
        _ request: DistillRequest, _ teacher: LoadedModel, _ student: SetupBasis
    ) throws -> TeacherVocabulary? {
        guard student.problemType.definition.predictsTokens, teacher.tokenizerDirectory != student.directory,
            let vocabulary = TeacherVocabulary(student: student.tokenizer, teacher: teacher.tokenizer)
        else { return nil }
        guard request.teacherForm.keepsHiddenStates else {
            throw DistillationError(
                "--teacher-states \(request.teacherForm) keeps the teacher's most probable tokens, of which the student's smaller "
                    + "vocabulary lacks some; use float16, int8 or float32")
        }
        return vocabulary
    }

    /// The spans of the training texts, where a language model's teacher divides them into other tokens; `nil` where it does not.
    ///
    /// - Throws: ``DistillationError`` where too little is kept of the teacher, or texts have no spans.
    private static func spans(
        _ request: DistillRequest, _ teacher: LoadedTeacher, _ student: (data: RunData, basis: SetupBasis),
        _ log: RunLog
    ) throws -> TeacherSpans? {
        let (own, theirs) = (student.data, teacher.data)
        guard own.problemType.definition.predictsTokens, request.teacherLogprobs.isEmpty,
            try !own.train.hasSameTokens(as: theirs.train)
                || !own.validation.hasSameTokens(as: theirs.validation)
        else { return nil }
        let path = teacher.classifier.directory.path
        guard request.teacherForm.keepsHiddenStates else {
            throw DistillationError(
                "--teacher-states \(request.teacherForm) keeps the teacher's most probable tokens, but its tokenizer gives other tokens than "
                    + "the student's, and whole distributions are compared; use float16, int8 or float32")
        }
        let (records, others) = (own.train.sentences.count, theirs.train.sentences.count)
        guard records == others, own.validation.sentences.count == theirs.validation.sentences.count else {
            throw DistillationError(
                "\(path): its tokenizer leaves \(others) of the training records, the student's \(records): either makes some so long "
                    + "that nothing is left of them to be trained; raise --max-length, or shorten the prompts"
            )
        }
        let spans = try log.phase("Aligning the tokens") {
            try TeacherSpans(
                own.train, theirs.train, (student.basis.tokenizer, teacher.classifier.tokenizer))
        }
        guard spans.coverage >= leastCoverage else {
            throw DistillationError(
                "\(path): only \(percent(spans.coverage)) of the trained tokens stand for the same bytes in both tokenizers' texts; give "
                    + "both models texts that their templates render alike, or a student with the teacher's tokenizer"
            )
        }
        return spans
    }

    private static func note(_ spans: TeacherSpans) -> String {
        "The teacher's tokenizer gives other tokens: \(percent(spans.coverage)) of the student's trained tokens are in spans that both "
            + "divide, \(percent(spans.agreement)) of which are one token in either, and the vocabularies share "
            + "\(spans.shared.teacher.count) tokens. Each model is measured on its own tokens: bits_per_byte and byte_perplexity "
            + "compare both."
    }

    /// The least fraction of the trained tokens that must be in spans: below it the texts are not the same.
    private static let leastCoverage = 0.5

    private static func percent(_ fraction: Double) -> String { String(format: "%.1f %%", 100 * fraction) }

    /// The examples as a teacher reads them: the student's own where both read alike.
    private static func data(
        _ request: DistillRequest, _ teacher: LoadedModel, student: (data: RunData, basis: SetupBasis),
        labels: LabelMap, _ log: RunLog
    ) throws -> RunData {
        let maxLength = teacher.maxLength(request.data.maxLength)
        let type = teacher.model.configuration.task
        let task = student.basis.problemType
        // A cross-encoder's examples are pairs, those of a model for embeddings texts.
        let isOfPairs = task.embedsTexts && !type.embedsTexts
        let translations = try request.data.columns.translations
        if !isOfPairs, translations == nil, teacher.tokenizerDirectory == student.basis.directory,
            maxLength == student.data.maxLength,
            teacher.prompt == student.basis.prompt
        {
            return student.data
        }
        var loader = request.cache.loader(
            request.data.columns.options, tokenizer: teacher.tokenizer,
            directory: teacher.tokenizerDirectory, maxLength: maxLength,
            languageModel: try teacher.languageModelText(request.data.columns, maxLength: maxLength),
            prompt: teacher.prompt, log: log)
        // What the student would not learn is told of its own tokens.
        loader.isForTraining = false
        guard isOfPairs || task.ranksDocuments else {
            loader.translations = translations.map {
                TranslationSource(columns: $0, readsSourcesAlone: true)
            }
            return try RunData(request, labels: labels, problemType: type, loader: loader)
        }
        var request = request
        request.data.problemType = nil
        return try RunData(request, labels: labels, problemType: .ranking, loader: loader)
    }

    /// - Throws: ``DistillationError`` where a teacher's outputs do not correspond to the student's rows.
    private static func requireSameRows(_ teacher: LoadedTeacher, _ student: RunData) throws {
        let (theirs, own) = (teacher.data.train, student.train)
        if student.problemType.definition.predictsTokens { return }
        if let pairs = theirs.groupRanges, let texts = own.groupRanges, student.problemType.embedsTexts,
            !teacher.data.problemType.embedsTexts
        {
            guard pairs.map(\.count) == texts.map({ $0.count - 1 }) else {
                throw DistillationError(
                    "\(student.trainRecord.path): the teacher and the student read other documents of it; start again when the file is "
                        + "complete")
            }
            return
        }
        let isSame =
            own.rowUnit == .words ? theirs.rowCount == own.rowCount : theirs.wordPieces == own.wordPieces
        guard !isSame else { return }
        throw DistillationError(
            "\(teacher.classifier.directory.path): its tokenizer divides words into other tokens than the student's; with tokenizers of two kinds train at the words' first tokens "
                + "(--label-tokens first)")
    }

    /// The indices of the first teacher's classes in a teacher's outputs; `nil` where the order is the same.
    private static func columns(
        of teacher: LoadedModel, like first: LoadedModel
    ) throws -> [Int]? {
        let (own, wanted) = (teacher.labels, first.labels)
        let kind = teacher.model.configuration.task
        guard kind == first.model.configuration.task else {
            throw DistillationError(
                "\(teacher.directory.path): problem_type is \(kind.rawValue), \(first.directory.path)'s "
                    + "\(first.model.configuration.task.rawValue); teachers must do the same task")
        }
        guard let difference = own.difference(from: wanted) else { return nil }
        let columns = wanted.names.compactMap { own.id(of: $0) }
        guard columns.count == wanted.count, own.count == wanted.count else {
            throw DistillationError(
                "\(teacher.directory.path) and \(first.directory.path) have different labels: \(difference); "
                    + "teachers must have the same classes")
        }
        return columns
    }
}
