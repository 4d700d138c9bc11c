import ChatTemplates
import Conversations
import Files
import Foundation
import JSON
import RegularExpressions
import Tokenizers
import Transformers

/// The start of a language model's student that has those of its teacher's tokens alone that the training texts use: which they are, and a
/// folder with the files of its tokenizer, which goes with this value.
final class TrimmedStart {
    let vocabulary: TrimmedVocabulary
    let tokenizer: Tokenizer
    /// The directory of the tokenizer's files.
    var directory: URL { folder.url }
    private let folder: TemporaryFolder

    /// The start of a run's student; `nil` where it has all of its teacher's tokens.
    ///
    /// - Parameter teacher: The first teacher that is a model; `nil` without one.
    /// - Throws: ``DistillationError`` for a teacher that is no language model; `TokenizerError` for a vocabulary that cannot be
    ///   trimmed; the errors of data files.
    static func make(_ request: DistillRequest, teacher: LoadedModel?, _ log: RunLog) throws -> TrimmedStart?
    {
        guard request.student.trimsVocabulary else { return nil }
        guard let teacher else {
            throw DistillationError(
                "trim_vocabulary makes a student's tokens of its teacher's, and there is no teacher that is a model; give one with "
                    + "--teacher")
        }
        guard teacher.model.configuration.task.predictsTokens else {
            throw DistillationError(
                "\(teacher.directory.path): is no language model, and trim_vocabulary is for these; trim an encoder with `distill "
                    + "quantize --trim-vocabulary` once it is trained")
        }
        let start = try log.phase("Trimming the vocabulary") {
            try TrimmedStart(teacher, trained: request.data)
        }
        let vocabulary = start.vocabulary
        log.send(
            .note(
                "The student has \(vocabulary.count) of the teacher's \(vocabulary.originalCount) tokens: \(vocabulary.usedCount) that the "
                    + "training texts use, and those of bytes, on the way to others, and special ones. It learns the teacher's "
                    + "distribution over these."))
        return start
    }

    /// - Parameter data: The training texts and how they are read.
    private init(_ teacher: LoadedModel, trained data: DataRequest) throws {
        let source = teacher.tokenizerDirectory
        let used = try Self.counts(teacher, data)
        let generation = try Self.object(source.appending(path: "generation_config.json"))
        let configuration = try Self.object(source.appending(path: "config.json"))
        var keeping = TrimmedVocabulary.ids(in: teacher.model.configuration)
        for object in [generation, configuration].compactMap(\.self) {
            keeping.formUnion(TrimmedVocabulary.ids(in: object))
        }
        let trimmer = try VocabularyTrimmer(directory: source)
        // What a model's files name need not be a token.
        let tokens = keeping.filter { id in
            Int32(exactly: id).flatMap(trimmer.tokenizer.idToToken) != nil
        }
        vocabulary = try trimmer.plan(used: used, keeping: tokens)
        folder = try TemporaryFolder()
        try vocabulary.write(to: folder.url)
        for name in ChatTemplates.fileNames(in: source) {
            let (file, target) = (source.appending(path: name), folder.url.appending(path: name))
            guard FileManager.default.fileExists(atPath: file.path(percentEncoded: false)) else { continue }
            try FileManager.default.createDirectory(
                at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
            let bytes = try MappedFile(file)
            try AtomicFile.write(to: target) { try $0.write(bytes.bytes) }
        }
        for (name, object) in [("generation_config.json", generation), ("config.json", configuration)] {
            guard var object else { continue }
            object = try vocabulary.renumbered(
                object, of: source.appending(path: name).path(percentEncoded: false))
            if name == "config.json" { object["vocab_size"] = .integer(vocabulary.count) }
            try AtomicFile.write(
                JSONValue.object(object).serialized(pretty: true) + "\n", to: folder.url.appending(path: name)
            )
        }
        tokenizer = try Tokenizer.load(
            for: vocabulary.configuration(teacher.model.configuration), in: folder.url)
    }

    /// The tokens of the training texts.
    private static func counts(_ teacher: LoadedModel, _ data: DataRequest) throws -> TokenCounts {
        var counts = TokenCounts()
        guard
            let text = try teacher.languageModelText(
                data.columns, maxLength: teacher.maxLength(data.maxLength))
        else { return counts }
        let stream = try TokenizedTextStream(data.train, encoder: text.encoder(), columns: text.columns)
        while let texts = try stream.next() {
            for text in texts { for id in text.ids { counts.add(Int(id), 1) } }
        }
        return counts
    }

    private static func object(_ file: URL) throws -> JSONObject? {
        guard FileManager.default.fileExists(atPath: file.path(percentEncoded: false)) else { return nil }
        return try JSONValue.load(contentsOf: file, dialect: .python).objectValue
    }
}
