import ChatTemplates
import Foundation
import JSON
import RegularExpressions
import Tokenizers

/// Turns records into tokens with marks of what is trained, as TRL does with transformers.
///
/// - `messages` are rendered by the chat template, and tokenized without the tokenizer's special tokens, since the template writes
///   them; the assistant's turns are trained. What follows the last of them is left out.
/// - A prompt and a completion that are strings are tokenized as one text with the tokenizer's special tokens and the end token; the
///   completion and the end token are trained.
/// - Of a document all is trained, the end token included.
public struct TrainingTextEncoder: Sendable {
    /// The tokenizer.
    public let tokenizer: Tokenizer
    /// The tokens at which texts begin and end.
    public let tokens: LanguageModelTokens
    /// The chat templates; `nil` or none where there are none.
    public let templates: ChatTemplates?
    /// How records become texts.
    public let options: TrainingTextOptions
    /// The variables of templates.
    private let variables: JSONObject
    /// The text of the end token; `nil` if there is none, or the tokenizer itself adds it.
    private let endText: String?

    /// Makes an encoder.
    ///
    /// - Parameters:
    ///   - tokenizer: The tokenizer.
    ///   - tokens: The tokens at which texts begin and end.
    ///   - templates: The chat templates.
    ///   - options: How records become texts.
    /// - Throws: ``ConversationsError`` for a maximum length below 2, or a `TokenizerError`.
    public init(
        tokenizer: Tokenizer, tokens: LanguageModelTokens, templates: ChatTemplates? = nil,
        options: TrainingTextOptions = TrainingTextOptions()
    ) throws {
        if let length = options.maxLength, length < 2 {
            throw ConversationsError(
                "the maximum length is \(length); give at least 2, a token and the one that follows it")
        }
        (self.tokenizer, self.tokens, self.templates, self.options) = (tokenizer, tokens, templates, options)
        var variables: JSONObject = [:]
        for (key, id) in [("bos_token", tokenizer.bosTokenID), ("eos_token", tokenizer.eosTokenID)] {
            if let token = id.flatMap(tokenizer.idToToken) { variables[key] = .string(token) }
        }
        for (key, value) in templates?.specialTokens ?? [:] { variables[key] = value }
        for (key, value) in options.templateVariables { variables[key] = value }
        self.variables = variables
        let added = try tokenizer.encodeWithBytePlaces("")
        let isAdded = added.suffixCount > 0 && added.ids.last == tokens.eosID
        endText = isAdded ? nil : tokens.eosID.flatMap(tokenizer.idToToken)
    }

    /// Makes the encoder of a model's directory.
    ///
    /// - Parameters:
    ///   - directory: The directory with the tokenizer's files.
    ///   - options: How records become texts.
    /// - Returns: The encoder.
    /// - Throws: The error of a file that cannot be used, which names it.
    public static func load(
        directory: URL, options: TrainingTextOptions = TrainingTextOptions()
    ) throws -> TrainingTextEncoder {
        let tokenizer = try Tokenizer.load(directory: directory)
        return try TrainingTextEncoder(
            tokenizer: tokenizer, tokens: .load(directory: directory, tokenizer: tokenizer),
            templates: .load(directory: directory), options: options)
    }

    /// Renders and tokenizes a record, and cuts nothing.
    ///
    /// - Parameter record: The record.
    /// - Returns: The tokens.
    /// - Throws: ``ConversationsError`` where there is no chat template for messages; a `ChatTemplateError`, or a `TokenizerError`.
    public func encode(_ record: TrainingRecord) throws -> TokenizedText { try tokenize(render(record)) }

    /// Tokenizes a rendered record.
    ///
    /// - Parameter rendered: The record's text.
    /// - Returns: The tokens.
    /// - Throws: A `TokenizerError`.
    public func tokenize(_ rendered: RenderedText) throws -> TokenizedText {
        if rendered.trained == [0..<rendered.text.utf8.count] {
            // Without places, which are not needed here, tokenizers are several times as fast.
            let encoding = try tokenizer.encode(rendered.text, addSpecialTokens: rendered.addsSpecialTokens)
            var mask = [Bool](repeating: true, count: encoding.count)
            for index in encoding.specialTokensMask.prefix(while: { $0 == 1 }).indices { mask[index] = false }
            return TokenizedText(ids: encoding.ids, isTrained: mask)
        }
        let encoding = try tokenizer.encodeWithBytePlaces(
            rendered.text, addSpecialTokens: rendered.addsSpecialTokens)
        var mask = rendered.mask(encoding.utf8)
        // What the tokenizer adds stands before the text, or ends it.
        for index in 0..<encoding.prefixCount { mask[index] = false }
        if rendered.trained.last?.upperBound == rendered.text.utf8.count {
            for index in (mask.count - encoding.suffixCount)..<mask.count { mask[index] = true }
        }
        return TokenizedText(ids: encoding.ids, isTrained: mask)
    }
}

// MARK: - Rendering

extension TrainingTextEncoder {
    /// Renders a record.
    ///
    /// - Parameter record: The record.
    /// - Returns: The text, with the parts that are trained.
    /// - Throws: ``ConversationsError`` where there is no chat template for messages; a `ChatTemplateError`.
    public func render(_ record: TrainingRecord) throws -> RenderedText {
        switch record.content {
        case .messages(let messages, let tools): return try chat(messages, trainedFrom: 0, tools)
        case .continuation(let messages, let first, let tools):
            return try chat(messages, trainedFrom: first, tools)
        case .completion(let prompt, let completion):
            let text = prompt + ended(completion)
            return RenderedText(
                text: text, trained: [prompt.utf8.count..<text.utf8.count], addsSpecialTokens: true)
        case .text(let text):
            let text = ended(text)
            return RenderedText(
                text: text, trained: [0..<text.utf8.count], addsSpecialTokens: true, isDocument: true)
        }
    }

    /// The text with the end token, unless it has it.
    private func ended(_ text: String) -> String {
        guard let endText, !text.utf8.reversed().starts(with: endText.utf8.reversed()) else { return text }
        return text + endText
    }

    private func chat(_ messages: [JSONValue], trainedFrom first: Int, _ tools: [JSONValue]?) throws
        -> RenderedText
    {
        guard let templates, !templates.names.isEmpty else {
            throw ConversationsError(
                "there is no chat template, which conversations need; use a model that has one, put it into the model's "
                    + "directory as chat_template.jinja, or give data with 'prompt' and 'completion' or 'text' as strings"
            )
        }
        let template = try templates.template(named: options.templateName, hasTools: tools != nil)
        // Nothing is trained of what follows the assistant's last turn, and some templates write that turn otherwise before it.
        let end = messages.lastIndex { $0.objectValue?["role"]?.stringValue == "assistant" }
        let messages = Array(messages.prefix((end ?? messages.count - 1) + 1))
        let chat = try template.turnSpans(
            messages: messages, tools: tools, variables: variables, clock: options.clock)
        var spans = chat.spans
        if first > 0 {
            switch chat.source {
            case .prefixes: spans = spans.filter { $0.message.map { $0 >= first } ?? false }
            case .generationBlocks:
                let start = try promptLength(template, messages, first, tools, chat.text)
                spans = spans.filter { $0.utf8.lowerBound >= start }
            }
        }
        return RenderedText(
            text: chat.text, trained: spans.map(\.utf8).filter { !$0.isEmpty }, addsSpecialTokens: false,
            isLastTurnOnly: chat.coverage != .everyTurn)
    }

    /// The bytes of a chat that come from its first messages.
    private func promptLength(
        _ template: ChatTemplate, _ messages: [JSONValue], _ first: Int, _ tools: [JSONValue]?, _ text: String
    ) throws -> Int {
        let prompt = try template.render(
            messages: Array(messages[..<first]), tools: tools, variables: variables, clock: options.clock
        ).text
        guard text.utf8.starts(with: prompt.utf8) else {
            throw ChatTemplateError.messages(
                reason:
                    "\(template.name): the template writes the prompt otherwise once a completion follows, so that the "
                    + "completion cannot be found; give the data as 'messages'")
        }
        return prompt.utf8.count
    }
}
