import Architectures
import CKernels
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
        /// The form in which weights are multiplied; see ``Weights``.
        public var weights: Weights
        /// The most texts that are generated at a time.
        public var batchSize: Int

        public init(weights: Weights = .stored, batchSize: Int = 8) {
            (self.weights, self.batchSize) = (weights, batchSize)
        }
    }

    /// The form in which weights are multiplied that are stored in floating point.
    public enum Weights: String, Sendable, CaseIterable {
        /// float32; the blocks of a GGUF file as they are.
        case stored
        /// bfloat16: half of the memory, less exact, faster where the processor has it.
        case bfloat16
        /// Blocks of 32 numbers of eight bits with a scale each (Q8_0), multiplied by activations in int8: a quarter of the memory.
        case int8
        /// Blocks of 32 numbers of four bits with a scale each (Q4_0): an eighth of the memory, far less exact.
        case int4

        /// The form in blocks, as the kernels number it.
        var blocks: Int? {
            switch self {
            case .stored, .bfloat16: nil
            case .int8: CK_Q8_0
            case .int4: CK_Q4_0
            }
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

    /// The directory, or the GGUF file.
    public let path: String
    /// The contents of `config.json`, which for a GGUF file follow from its metadata.
    public let configuration: ModelConfiguration
    public let tokenizer: Tokenizer
    /// The options that the model's files ask for.
    public let defaults: GenerationOptions
    /// The settings of the files that are ignored; each a line for the user.
    public let warnings: [String]
    /// True if the model has a chat template.
    public var hasChatTemplate: Bool { encoder.hasTemplate }
    private let batchSize: Int
    package let encoder: PromptEncoder
    private let decoder: Decoder
    /// The most tokens that a pass takes, of prompts and texts together; a longer prompt has a pass of its own.
    private static let batchTokens = 2048

    /// Opens a model directory in Hugging Face format, or a GGUF file (any one of a split model's), whose weights in blocks stay so.
    ///
    /// - Parameters:
    ///   - path: The directory or file.
    ///   - options: How it is opened.
    /// - Throws: ``RuntimeError``, `GenerationError`, `ArchitectureError`, `TokenizerError`, `ChatTemplateError`, `SafetensorsError`,
    ///   `GGUFError`, `JSONError` or `FileError`, which name the file, field or tensor.
    public convenience init(_ path: String, _ options: Options = Options()) throws {
        try self.init(path, options, expressions: nil)
    }

    package init(
        _ path: String, _ options: Options, expressions: (any RegularExpressionEngine)?
    ) throws {
        guard options.batchSize > 0 else {
            throw RuntimeError("batchSize is \(options.batchSize); it must be at least 1")
        }
        let files = try LanguageModelFiles(path, options.weights)
        let configuration = files.configuration
        guard configuration.isDecoder else {
            throw RuntimeError(
                "\(configuration.source): is an encoder (\(configuration.modelType)); only a language model generates texts"
            )
        }
        try InstructionSet.require()
        try configuration.requireKnownHead()
        // Digests, weights and tokenizer at the same time.
        let verification = Beside { try files.verify() }
        let weights = Beside {
            try Decoder(
                files.weights(), path: path, configuration,
                DecoderPrecision(
                    usesBFloat16: options.weights == .bfloat16, blocks: options.weights.blocks))
        }
        do {
            tokenizer = try files.tokenizer(expressions).fitted(to: configuration, place: path)
            defaults = try files.defaults()
            encoder = try PromptEncoder(files.chatTemplates(), tokenizer, path: path)
            decoder = try weights.value()
        } catch {
            // A changed file is the reason for whatever else is wrong.
            try verification.value()
            throw error
        }
        try verification.value()
        (self.path, self.configuration, batchSize) = (path, configuration, options.batchSize)
        warnings =
            configuration.warnings + tokenizer.warnings(for: configuration, in: path)
            + decoder.warnings(of: options.weights)
    }

    /// True if a directory holds a language model, and none of embeddings; or for a GGUF file, by its name.
    package static func isLanguageModel(_ path: String) -> Bool {
        if LanguageModelFiles.isGGUF(path) { return true }
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
    ///   - known: Texts of earlier runs by the prompt's number, which are not generated again and told by no event.
    ///   - firstPrompt: The number of the first prompt, on which random draws depend: the prompts before it where they come in several
    ///     calls.
    ///   - onEvent: Called with each piece of text as soon as it is final, and with each complete text; what it throws ends the run.
    /// - Returns: A text for each prompt, in their order.
    /// - Throws: `GenerationError` for options out of range and prompts without a token or with more than the model has positions, and
    ///   what the tokenizer throws.
    public func generate(
        _ prompts: [Prompt], _ options: GenerationOptions? = nil, known: [Int: GeneratedText] = [:],
        firstPrompt: Int = 0, onEvent: (GenerationEvent) throws -> Void = { _ in }
    ) throws -> [GeneratedText] {
        let options = options ?? defaults
        try options.validate(vocabulary: configuration.vocabSize)
        let tokens = try prompts.map(tokens)
        try decoder.validate(tokens)
        let run = GenerationRun(
            model: decoder, tokenizer: tokenizer, options: options, batchSize: batchSize,
            batchTokens: Self.batchTokens, firstPrompt: firstPrompt)
        return try run(tokens, known: known, onEvent)
    }
}
