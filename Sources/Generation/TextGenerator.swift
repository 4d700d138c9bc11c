import Architectures
import Decoding
import Tokenizers
import Torch
import Transformers

/// Generates texts with a language model.
///
/// ```swift
/// let generator = try TextGenerator.load(from: URL(filePath: "SmolLM2-135M-Instruct"))
/// var options = generator.defaults
/// options.maxNewTokens = 40
/// let texts = try generator.generate(["The capital of France is"], options) { event in
///     if case .piece(_, let text) = event { print(text, terminator: "") }
/// }
/// ```
///
/// A prompt's text is the same whatever other prompts are generated beside it, and on any number of threads: logits have the same bits
/// (where the kernels compute them, `PackedKernels`), and random draws depend on seed, prompt and place.
public struct TextGenerator {
    public let model: TransformerModel
    public let tokenizer: Tokenizer
    /// The options that the model's files ask for.
    public let defaults: GenerationOptions
    /// The precision of matrix products. bfloat16 halves the memory that is read for each token.
    public var precision: Precision
    /// The most texts that are generated at a time.
    public var batchSize = 8
    /// The most tokens that a pass of the model takes, of prompts and texts together; a longer prompt has a pass of its own.
    public var batchTokens = 2048
    /// The number of the first prompt, on which random draws depend: of a part of some prompts its place among all.
    public var firstPrompt = 0

    /// - Parameters:
    ///   - model: A language model.
    ///   - tokenizer: Its tokenizer.
    ///   - defaults: The options of ``generate(_:_:onEvent:)`` where it is given none.
    ///   - precision: The precision of matrix products.
    /// - Throws: `GenerationError` where the model is an encoder, or the tokenizer has tokens that it lacks.
    public init(
        model: TransformerModel, tokenizer: Tokenizer, defaults: GenerationOptions = GenerationOptions(),
        precision: Precision = .float32
    ) throws {
        let configuration = model.configuration
        guard configuration.isDecoder else {
            throw GenerationError(
                "\(configuration.source): is an encoder (\(configuration.modelType)); only a language model generates texts"
            )
        }
        let vocabulary = configuration.vocabSize
        guard let fitting = tokenizer.limited(to: vocabulary, place: configuration.source) else {
            throw GenerationError(
                "\(configuration.source): the tokenizer has \(tokenizer.vocabularySize) tokens, the model \(vocabulary); "
                    + "use the tokenizer that belongs to the model")
        }
        (self.model, self.tokenizer, self.defaults, self.precision) = (model, fitting, defaults, precision)
    }

    /// Generates the texts that follow prompts.
    ///
    /// - Parameters:
    ///   - prompts: Texts; the tokenizer adds the tokens that begin one, if it does so.
    ///   - options: `nil` for ``defaults``.
    ///   - onEvent: Called with each piece of text as soon as it is final, and with each complete text; what it throws ends the run.
    /// - Returns: A text for each prompt, in their order.
    /// - Throws: `GenerationError` for options out of range and prompts without a token or with more than the model has positions,
    ///   and what model and tokenizer throw.
    public func generate(
        _ prompts: [String], _ options: GenerationOptions? = nil,
        onEvent: (GenerationEvent) throws -> Void = { _ in }
    ) throws -> [GeneratedText] {
        try generate(tokens: tokenizer.encode(batch: prompts).map(\.ids), options, onEvent: onEvent)
    }

    /// Generates the texts that follow prompts of tokens, such as a rendered chat's.
    ///
    /// - Parameters:
    ///   - tokens: The tokens of each prompt.
    ///   - options: `nil` for ``defaults``.
    ///   - known: Texts of earlier runs by the prompt's number, which are not generated again and told by no event.
    ///   - onEvent: Called with each piece of text as soon as it is final, and with each complete text; what it throws ends the run.
    /// - Returns: A text for each prompt, in their order.
    /// - Throws: as ``generate(_:_:onEvent:)``.
    public func generate(
        tokens: [[Int32]], _ options: GenerationOptions? = nil, known: [Int: GeneratedText] = [:],
        onEvent: (GenerationEvent) throws -> Void = { _ in }
    ) throws -> [GeneratedText] {
        let options = options ?? defaults
        try options.validate(vocabulary: model.configuration.vocabSize)
        guard batchSize > 0, batchTokens > 0 else {
            throw GenerationError(
                "batchSize is \(batchSize) and batchTokens \(batchTokens); both must be at least 1")
        }
        let cached = CachedTransformer(model: model, precision: precision.resolved(on: model.device))
        try cached.validate(tokens)
        let run = GenerationRun(
            model: cached, tokenizer: tokenizer, options: options, batchSize: batchSize,
            batchTokens: batchTokens, firstPrompt: firstPrompt)
        return try run(tokens, known: known, onEvent)
    }
}
