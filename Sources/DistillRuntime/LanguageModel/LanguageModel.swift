import Architectures
import ChatTemplates
import Decoding
import JSON
import Safetensors
import Storage
import Tokenizers

/// A language model, ready to generate texts on the kernels alone.
///
/// ```swift
/// let model = try LanguageModel("student")
/// for try await piece in model.stream(model.prompt("What is a wren?")) { print(piece, terminator: "") }
/// ```
///
/// It is immutable: any number of threads and tasks may use one, and they share its weights. A prompt's text is the same whatever
/// other prompts are generated beside it, and on any number of threads.
public final class LanguageModel: Sendable {
    /// How a model is opened.
    public struct Options: Sendable {
        /// True to multiply in bfloat16 where weights are in floating point: half of the memory, less exact, faster where the processor
        /// has it.
        public var usesBFloat16: Bool
        /// True to turn weights of floating point into int8 as they are read, with a scale for each row, and to multiply by them with each
        /// token's activations in int8: half of bfloat16's memory, less exact.
        public var usesInt8: Bool
        /// The most texts that are generated at a time.
        public var batchSize: Int

        public init(usesBFloat16: Bool = false, usesInt8: Bool = false, batchSize: Int = 8) {
            (self.usesBFloat16, self.usesInt8, self.batchSize) = (usesBFloat16, usesInt8, batchSize)
        }
    }

    /// What a text follows.
    public enum Prompt: Sendable, Equatable {
        /// A text that goes on.
        case text(String)
        /// A conversation, as the model's chat template writes it, with the assistant's turn opened; the tools are JSON schemas.
        case messages([JSONValue], tools: [JSONValue]? = nil)
        /// Tokens.
        case tokens([Int32])
    }

    /// The directory.
    public let path: String
    /// The contents of `config.json`.
    public let configuration: ModelConfiguration
    public let tokenizer: Tokenizer
    /// The options that the model's files ask for.
    public let defaults: GenerationOptions
    /// The settings of the files that are ignored; each a line for the user.
    public let warnings: [String]
    /// True if the model has a chat template.
    public var hasChatTemplate: Bool { encoder.hasTemplate }
    private let batchSize: Int
    private let encoder: PromptEncoder
    private let decoder: Decoder
    /// The most tokens that a pass takes, of prompts and texts together; a longer prompt has a pass of its own.
    private static let batchTokens = 2048

    /// Opens a model directory in Hugging Face format.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - options: How it is opened.
    /// - Throws: ``RuntimeError``, `GenerationError`, `ArchitectureError`, `TokenizerError`, `ChatTemplateError`, `SafetensorsError`,
    ///   `JSONError` or `FileError`, which name the file, field or tensor.
    public convenience init(_ path: String, _ options: Options = Options()) throws {
        try self.init(path, options, expressions: nil)
    }

    package init(
        _ path: String, _ options: Options, expressions: (any RegularExpressionEngine)?
    ) throws {
        guard options.batchSize > 0 else {
            throw RuntimeError("batchSize is \(options.batchSize); it must be at least 1")
        }
        guard !options.usesBFloat16 || !options.usesInt8 else {
            throw RuntimeError("weights are multiplied in bfloat16 or in int8, not in both; choose one")
        }
        try RuntimeModel.requireDirectory(path)
        let configuration = try ModelConfiguration(contentsOf: path)
        guard configuration.isDecoder else {
            throw RuntimeError(
                "\(configuration.source): is an encoder (\(configuration.modelType)); only a language model generates texts"
            )
        }
        try InstructionSet.require()
        try configuration.requireKnownHead()
        // Digests, weights and tokenizer at the same time.
        let verification = Beside { try ChecksumManifest.verify(path) }
        let weights = Beside {
            try Decoder(
                SafetensorsCheckpoint(directory: path), path: path, configuration,
                DecoderPrecision(
                    usesBFloat16: options.usesBFloat16,
                    int8Elements: options.usesInt8 ? DecoderPrecision.leastInt8Elements : nil))
        }
        do {
            tokenizer = try Tokenizer.load(directory: path, expressions: expressions)
                .fitted(to: configuration, place: path)
            defaults = try GenerationOptions(directory: path)
            encoder = try PromptEncoder(ChatTemplates.load(directory: path), tokenizer, path: path)
            decoder = try weights.value()
        } catch {
            // A changed file is the reason for whatever else is wrong.
            try verification.value()
            throw error
        }
        try verification.value()
        (self.path, self.configuration, batchSize) = (path, configuration, options.batchSize)
        warnings = configuration.warnings + tokenizer.warnings(for: configuration, in: path)
    }

    /// True if a directory holds a language model, and none of embeddings.
    package static func isLanguageModel(_ path: String) -> Bool {
        guard FileKind(path) == .directory, !SentenceTransformer.isDirectory(path) else { return false }
        return (try? ModelConfiguration(contentsOf: path))?.isDecoder == true
    }

    /// A text as a prompt: a user's message where the model has a chat template, else a text that goes on.
    ///
    /// - Parameters:
    ///   - text: The text.
    ///   - isChat: True for a user's message, false for a text that goes on; `nil` for a message where there is a template.
    public func prompt(_ text: String, isChat: Bool? = nil) -> Prompt {
        isChat ?? hasChatTemplate
            ? .messages([.object(["role": "user", "content": .string(text)])]) : .text(text)
    }

    /// The tokens of a prompt.
    ///
    /// - Throws: `GenerationError` for messages where the model has no chat template; `ChatTemplateError`, `TokenizerError`.
    public func tokens(of prompt: Prompt) throws -> [Int32] {
        switch prompt {
        case .text(let text): try encoder.tokens(of: text)
        case .messages(let messages, let tools): try encoder.tokens(of: messages, tools: tools)
        case .tokens(let ids): ids
        }
    }

    /// The logits of the token that follows each token of a text: (tokens, vocabulary), row after row.
    ///
    /// - Throws: ``RuntimeError`` for a text without tokens, with more than the model has positions, or with one that it does not have.
    public func logits(_ ids: [Int32]) throws -> [Float] {
        guard !ids.isEmpty else { throw RuntimeError("the text has no token; give it one at least") }
        return try decoder.logits(
            ids, offsets: [0, ids.count], rows: Array(ids.indices), caches: [decoder.makeCache()])
    }

    /// Generates the texts that follow prompts.
    ///
    /// - Parameters:
    ///   - prompts: The prompts.
    ///   - options: `nil` for ``defaults``.
    ///   - firstPrompt: The number of the first prompt, on which random draws depend: the prompts before it where they come in several
    ///     calls.
    ///   - onEvent: Called with each piece of text as soon as it is final, and with each complete text; what it throws ends the run.
    /// - Returns: A text for each prompt, in their order.
    /// - Throws: `GenerationError` for options out of range and prompts without a token or with more than the model has positions, and
    ///   what the tokenizer throws.
    public func generate(
        _ prompts: [Prompt], _ options: GenerationOptions? = nil, firstPrompt: Int = 0,
        onEvent: (GenerationEvent) throws -> Void = { _ in }
    ) throws -> [GeneratedText] {
        let options = options ?? defaults
        try options.validate(vocabulary: configuration.vocabSize)
        let tokens = try prompts.map(tokens)
        try decoder.validate(tokens)
        let run = GenerationRun(
            model: decoder, tokenizer: tokenizer, options: options, batchSize: batchSize,
            batchTokens: Self.batchTokens, firstPrompt: firstPrompt)
        return try run(tokens, onEvent)
    }
}
