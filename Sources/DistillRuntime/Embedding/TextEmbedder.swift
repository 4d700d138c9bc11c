import Architectures
import Safetensors
import Storage
import Tokenizers

/// A model that gives texts vectors, in the form of sentence-transformers: an encoder with a pooling, or a static table.
///
/// ```swift
/// let embedder = try TextEmbedder("all-MiniLM-L6-v2")
/// let vectors = try embedder.embed(["A film to remember.", "A dull evening."])
/// ```
///
/// It is immutable: any number of threads and tasks may use one, and they share its weights. A text's vector depends neither on the
/// texts beside it nor on the number of threads. (Reimers and Gurevych, arXiv 1908.10084)
public final class TextEmbedder: Sendable {
    /// The directory.
    public let path: String
    /// What the directory's files say.
    public let files: SentenceTransformer
    public let tokenizer: Tokenizer
    /// The number of components of a vector.
    public let dimension: Int
    /// The number of tokens of a text that are read; `nil` for all, of a table.
    public let maxLength: Int?
    /// The positions of the encoder; `nil` of a table.
    package let mostTokens: Int?
    /// The settings of the files that are ignored; each a line for the user.
    public let warnings: [String]
    private let source: Source
    private let stages: [Stage]

    private enum Source: Sendable {
        case encoder(Encoder)
        case table(TokenTable)
    }

    private enum Stage: Sendable {
        case pooling(Pooling)
        case dense(DenseStage)
        case normalize(width: Int)
    }

    /// Opens a sentence-transformers directory.
    ///
    /// - Parameters:
    ///   - path: The directory, with `modules.json`.
    ///   - options: How it is opened.
    /// - Throws: ``RuntimeError``, `ArchitectureError`, `TokenizerError`, `SafetensorsError`, `JSONError` or `FileError`, which name
    ///   the file, field or tensor.
    public convenience init(_ path: String, _ options: RuntimeModel.Options = .init()) throws {
        try self.init(path, options, expressions: nil)
    }

    /// - Parameter expressions: Searches regular expressions for which the tokenizers have no scanner; without it a tokenizer that needs
    ///   one is an error.
    package init(
        _ path: String, _ options: RuntimeModel.Options, expressions: (any RegularExpressionEngine)?
    ) throws {
        try RuntimeModel.requireDirectory(path)
        files = try SentenceTransformer(contentsOf: path)
        self.path = path
        var width: Int
        switch files.source {
        case .encoder(let directory):
            let opened = try Self.open(directory, options, files, expressions)
            (tokenizer, maxLength, warnings) = (opened.tokenizer, opened.maxLength, opened.warnings)
            (source, width, mostTokens) = (.encoder(opened.encoder), opened.width, opened.mostTokens)
        case .table(let directory):
            let table = try TokenTable(directory)
            tokenizer = try Tokenizer.load(directory: directory, expressions: expressions)
            guard Int(tokenizer.largestTokenID) < table.count else {
                throw RuntimeError(
                    "\(directory): the tokenizer has ids up to \(tokenizer.largestTokenID), the table \(table.count) tokens; use "
                        + "the files that belong together")
            }
            (maxLength, warnings) = (options.maxLength, [])
            (source, width, mostTokens) = (.table(table), table.width, nil)
        }
        stages = try files.stages.map { stage in
            switch stage {
            case .pooling(let modes, let tokens, let includesPrompt):
                guard tokens == width else {
                    throw RuntimeError(
                        "\(path): the pooling is for vectors of \(tokens) components, the encoder's have \(width); use the modules "
                            + "that belong together")
                }
                let pooling = Pooling(modes: modes, width: width, includesPrompt: includesPrompt)
                width = pooling.outputs
                return .pooling(pooling)
            case .dense(let dense):
                guard dense.inputs == width else {
                    throw RuntimeError(
                        "\(dense.path): is for vectors of \(dense.inputs) components, there are \(width); use the modules that "
                            + "belong together")
                }
                width = dense.outputs
                return .dense(try DenseStage(dense))
            case .normalize: return .normalize(width: width)
            }
        }
        dimension = width
    }

    private struct Opened {
        let encoder: Encoder
        let tokenizer: Tokenizer
        let maxLength: Int
        let mostTokens: Int
        let warnings: [String]
        let width: Int
    }

    private static func open(
        _ directory: String, _ options: RuntimeModel.Options, _ files: SentenceTransformer,
        _ expressions: (any RegularExpressionEngine)?
    ) throws -> Opened {
        let configuration = try ModelConfiguration(contentsOf: directory)
        guard RuntimeModel.supports(configuration) else {
            throw RuntimeError(
                "\(directory): there are no kernels for the layers of \(configuration.modelType), so that its embeddings are not "
                    + "computed here; those of BERT, DistilBERT, RoBERTa, XLM-RoBERTa, CamemBERT, ELECTRA and ALBERT are"
            )
        }
        let weights = Beside {
            try Encoder(
                SafetensorsCheckpoint(directory: directory), path: directory, configuration,
                usesBFloat16: options.usesBFloat16, hasHead: false)
        }
        try ChecksumManifest.verify(directory)
        let tokenizer = try Tokenizer.load(directory: directory, expressions: expressions)
            .fitted(to: configuration, place: directory)
        guard !files.lowercases || tokenizer.lowercases else {
            throw RuntimeError(
                "\(directory): do_lower_case is true in sentence_bert_config.json, but the tokenizer does not lowercase; put a "
                    + "normalizer Lowercase first in tokenizer.json, and set it to false")
        }
        return Opened(
            encoder: try weights.value(), tokenizer: tokenizer,
            maxLength: try RuntimeModel.maxLength(
                options.maxLength, stated: files.maxLength, configuration, tokenizer, in: directory),
            mostTokens: configuration.maxLength,
            warnings: tokenizer.warnings(for: configuration, in: directory), width: configuration.hiddenSize)
    }

    /// The vector of each text, in order: ``dimension`` numbers.
    ///
    /// - Parameters:
    ///   - texts: The texts.
    ///   - prompt: The name of a prompt that stands before each, such as `query`; `nil` for the model's default.
    /// - Throws: `ArchitectureError` for a prompt that there is not, `TokenizerError` where a text cannot be encoded,
    ///   ``RuntimeError`` where there is no memory, ``NonFiniteVectorError`` where a vector is not finite.
    public func embed(_ texts: [String], prompt: String? = nil) throws -> [[Float]] {
        let values = try vectors(texts, prompt: prompt).values
        return texts.indices.map { Array(values[$0 * dimension..<($0 + 1) * dimension]) }
    }

    /// The vectors, one after another, and the number of texts that were cut.
    package func vectors(_ texts: [String], prompt: String? = nil) throws -> (values: [Float], cutCount: Int)
    {
        guard !texts.isEmpty else { return ([], 0) }
        let prompt = try files.prompt(prompt)
        let inputs = prompt.isEmpty ? texts : texts.map { prompt + $0 }
        var encoding: FlatEncoding
        var values: [Float]
        switch source {
        case .encoder(let encoder):
            encoding = try tokenizer.encodeFlat(batch: inputs, maxLength: maxLength)
            values = try pooled(encoding, encoder, prompt: promptLength(prompt))
        case .table(let table):
            encoding = try tokenizer.encodeFlat(batch: inputs, addSpecialTokens: false, maxLength: maxLength)
            values = try table.vectors(encoding)
        }
        for stage in stages {
            switch stage {
            case .pooling: break
            case .dense(let dense): values = try dense(values)
            case .normalize(let width): Self.normalize(&values, width: width)
            }
        }
        if !values.withUnsafeBufferPointer(\.areFinite),
            let index = values.firstIndex(where: { !$0.isFinite })
        {
            throw NonFiniteVectorError(path, text: index / dimension, value: values[index])
        }
        return (values, encoding.cutCount)
    }

    private var pooling: Pooling? {
        for case .pooling(let pooling) in stages { return pooling }
        return nil
    }

    /// The number of a prompt's tokens at a text's beginning, where they do not count.
    private func promptLength(_ prompt: String) throws -> Int {
        guard !prompt.isEmpty, pooling?.includesPrompt == false else { return 0 }
        let ids = try tokenizer.encodeFlat(batch: [prompt], maxLength: maxLength).ids
        // A token that ends every text is not the prompt's.
        return ids.last.map(tokenizer.isSpecial) == true ? ids.count - 1 : ids.count
    }

    private func pooled(_ encoding: FlatEncoding, _ encoder: Encoder, prompt: Int) throws -> [Float] {
        guard let pooling else { return [] }
        let lengths = (0..<encoding.count).map { encoding.offsets[$0 + 1] - encoding.offsets[$0] }
        var vectors = [Float](repeating: 0, count: encoding.count * pooling.outputs)
        let isFirstOnly = pooling.readsFirstTokens
        for batch in TokenBatches(lengths: lengths) {
            let texts = PackedTexts(encoding, batch)
            let states = try encoder.states(texts, firstOnly: isFirstOnly)
            var vector: [Float] = []
            for (place, text) in batch.enumerated() {
                vector.removeAll(keepingCapacity: true)
                let row = isFirstOnly ? place : Int(texts.offsets[place])
                pooling.append(
                    states.pointer + row * pooling.width, count: isFirstOnly ? 1 : lengths[text],
                    prompt: prompt, to: &vector)
                vectors.replaceSubrange(text * pooling.outputs..<(text + 1) * pooling.outputs, with: vector)
            }
        }
        return vectors
    }

    /// Divides each vector by its Euclidean length.
    private static func normalize(_ values: inout [Float], width: Int) {
        values.withUnsafeMutableBufferPointer { buffer in
            for start in stride(from: 0, to: buffer.count, by: width) {
                let vector = UnsafeMutableBufferPointer(rebasing: buffer[start..<start + width])
                let length = max(UnsafeBufferPointer(vector).sumOfSquares.squareRoot(), 1e-12)
                for index in vector.indices { vector[index] /= length }
            }
        }
    }
}

extension TextEmbedder {
    /// The vector of each text, without holding a thread of Swift's tasks.
    ///
    /// - Throws: as the vectors that are waited for; `CancellationError` where the task was cancelled before it began.
    public func embed(_ texts: [String], prompt: String? = nil) async throws -> [[Float]] {
        try await Computing.run { () throws -> [[Float]] in try self.embed(texts, prompt: prompt) }
    }
}

/// A vector of a text that has a component which is infinite or not a number.
public struct NonFiniteVectorError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ name: String, text: Int, value: Float) {
        description =
            "\(name): gives vectors that are no numbers (\(value) for text \(text + 1)): its weights are damaged, or its training "
            + "diverged; use another checkpoint"
    }
}
