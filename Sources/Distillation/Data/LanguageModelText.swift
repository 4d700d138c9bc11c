import ChatTemplates
import Conversations
import Foundation
import JSON
import Tokenizers
import Transformers

/// What a language model's texts are made with: its tokenizer, its stop tokens and its chat templates.
package struct LanguageModelText: Sendable {
    let tokenizer: Tokenizer
    let tokens: LanguageModelTokens
    let templates: ChatTemplates
    /// The bytes of text that each token of the vocabulary stands for; `nil` where the tokenizer's decoder is not known.
    let tokenBytes: [Int32]?
    /// The columns of the records.
    var columns = RecordColumns()
    /// The most tokens of a text.
    var maxLength: Int

    /// The most tokens of a text where nothing else is said, as in TRL: models have positions for many more than a training on
    /// two cores can read.
    static let defaultLength = 1024

    /// - Parameters:
    ///   - directory: The directory of the tokenizer's files, `generation_config.json` among them.
    ///   - tokenizer: The tokenizer there.
    ///   - maxLength: The most tokens of a text.
    /// - Throws: `ConversationsError`, `ChatTemplateError` or `JSONError`, which name the file.
    init(directory: URL, tokenizer: Tokenizer, maxLength: Int) throws {
        self.tokenizer = tokenizer
        tokens = try .load(directory: directory, tokenizer: tokenizer)
        templates = try .load(directory: directory)
        tokenBytes = try? tokenizer.byteCounts()
        self.maxLength = maxLength
    }

    /// The texts of a model that was loaded; `nil` for one that is no language model.
    ///
    /// - Throws: ``DistillationError`` for columns of another kind of model; what files that cannot be read throw.
    static func of(
        _ configuration: ModelConfiguration, in directory: URL, _ tokenizer: Tokenizer,
        _ columns: DataColumns, maxLength: Int
    ) throws -> LanguageModelText? {
        try columns.requireFitting(predictsTokens: configuration.task.predictsTokens)
        guard configuration.task.predictsTokens else { return nil }
        var text = try LanguageModelText(directory: directory, tokenizer: tokenizer, maxLength: maxLength)
        text.columns = RecordColumns(
            messages: columns.messages, prompt: columns.prompt, completion: columns.completion,
            text: columns.text)
        return text
    }

    /// What turns records into tokens.
    func encoder() throws -> TrainingTextEncoder {
        try TrainingTextEncoder(
            tokenizer: tokenizer, tokens: tokens, templates: templates,
            options: TrainingTextOptions(maxLength: maxLength))
    }

    /// What decides the tokens of a file besides the tokenizer's files.
    var description: JSONValue {
        func text(_ name: String?) -> JSONValue { name.map(JSONValue.string) ?? .null }
        return [
            "columns": .array(
                [columns.messages, columns.prompt, columns.completion, columns.text].map(text)),
            "stop": .array(tokens.stopIDs.map { .integer(Int($0)) }),
            "end": tokens.eosID.map { .integer(Int($0)) } ?? .null,
        ]
    }
}

/// Reads the texts of a language model: each target is a row.
final class ConversationReader: ChunkReader, @unchecked Sendable {
    // The prefetching thread reads; the others look only after it has ended.
    private let stream: TokenizedTextStream

    init(_ url: URL, _ text: LanguageModelText) throws {
        stream = try TokenizedTextStream(url, encoder: text.encoder(), columns: text.columns)
    }

    var sha256: String { stream.sha256 }

    func notes(of path: String, maxLength: Int) throws -> [DataNote] {
        try stream.survey.notes(of: path, maxLength: maxLength)
    }

    func next(_ limit: Int) throws -> (any DataChunk)? {
        try stream.next(limit).map { TokenizedChunk(texts: $0) }
    }
}

/// Texts that are tokens already.
struct TokenizedChunk: DataChunk {
    let texts: [TokenizedText]

    var count: Int { texts.count }

    func encode(_ tokenizer: Tokenizer, maxLength: Int) -> EncodedChunk {
        var chunk = EncodedChunk(ids: [], typeIDs: [], offsets: [0], words: [], hasTypes: false)
        var targets = TokenTargets(ids: [], offsets: [0])
        for text in texts {
            chunk.ids += text.ids
            chunk.offsets.append(chunk.ids.count)
            let trained = text.ids.indices.filter { text.isTrained[$0] }
            // A target's row is the token before it.
            chunk.words?.append(
                .init(
                    positions: trained.map { (position: $0 - 1, pieces: 1) },
                    continues: text.continuesDocument))
            targets.ids += trained.map { Int(text.ids[$0]) }
            targets.offsets.append(targets.ids.count)
        }
        chunk.typeIDs = [Int32](repeating: 0, count: chunk.ids.count)
        chunk.targets = .tokens(targets)
        return chunk
    }
}
