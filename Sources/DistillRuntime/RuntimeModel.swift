import Architectures
import CKernels
import Safetensors
import Storage
import Tokenizers

/// A model directory that is open: its weights packed, its tokenizer, what its labels are called. It needs the kernels and tokenizers
/// alone; any number of threads may use one at the same time.
public final class RuntimeModel: Sendable {
    /// How a model is opened.
    public struct Options: Sendable {
        /// Longer texts are cut to this many tokens; `nil` for the length that the model was trained with, or the tokenizer's.
        public var maxLength: Int?
        /// True to multiply in bfloat16 where weights are in floating point: less exact, faster where the processor has it.
        public var usesBFloat16: Bool

        public init(maxLength: Int? = nil, usesBFloat16: Bool = false) {
            self.maxLength = maxLength
            self.usesBFloat16 = usesBFloat16
        }
    }

    /// The directory.
    public let path: String
    /// The contents of `config.json`.
    public let configuration: ModelConfiguration
    public let tokenizer: Tokenizer
    /// The number of tokens of a text that the model reads.
    public let maxLength: Int
    /// The settings of the files that are ignored; each a line for the user.
    public let warnings: [String]
    private let source: Source

    /// What computes the logits.
    private enum Source: Sendable {
        case encoder(Encoder)
        case table(StaticClassifier)
    }

    /// The labels' names, by their numbers.
    public var labels: [String] { configuration.labelNames }
    /// The task, which says what its outputs mean.
    public var task: TaskIdentifier { configuration.task }

    /// True if it gives a row of logits for each token of a text: a tagger; otherwise one for each text.
    public var isTagger: Bool { configuration.headKind.hasRowForEachToken }

    /// Opens a model directory in Hugging Face format.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - options: How it is opened.
    /// - Throws: ``RuntimeError``, `ArchitectureError`, `TokenizerError`, `SafetensorsError`, `JSONError` or `FileError`, which name
    ///   the file, field or tensor.
    public convenience init(_ path: String, _ options: Options = Options()) throws {
        try self.init(path, options, expressions: nil)
    }

    package convenience init(
        _ path: String, _ options: Options, expressions: (any RegularExpressionEngine)?
    ) throws {
        try Self.requireDirectory(path)
        try self.init(path, options, ModelConfiguration(contentsOf: path), expressions: expressions)
    }

    /// The most bytes of a file that is read whole.
    private static let largestFile = 1 << 30

    /// - Throws: ``RuntimeError`` for models in another form than a directory with weights, and for files that are none.
    static func requireDirectory(_ path: String) throws {
        for name in (try? FileSystem.names(in: path)) ?? []
        where name.hasSuffix(".json") || name.hasSuffix(".txt") {
            let file = path.entry(name)
            guard FileKind(file) != .other else { throw FileError.notAFile(file) }
            guard FileSystem.size(of: file) ?? 0 <= largestFile else {
                throw RuntimeError(
                    "\(file): is larger than 1 GiB, which no model's file is; use the one that belongs to the model"
                )
            }
        }
        if path.lowercased().hasSuffix(".gguf") {
            throw RuntimeError(
                "\(path): is a language model in GGUF, which generates texts and predicts nothing")
        }
        switch FileKind(path) {
        case .regular, .other:
            throw RuntimeError(
                "\(path): is a file; give a model directory in Hugging Face format, or a language model in GGUF, whose name ends with .gguf"
            )
        case .directory, .missing: break
        }
        let hasWeights = [SafetensorsCheckpoint.fileName, SafetensorsCheckpoint.indexFileName].contains {
            path.entry($0).fileExists
        }
        for name in ["model.onnx", "model.mlpackage"] where !hasWeights && path.entry(name).fileExists {
            throw RuntimeError(
                "\(path): holds an export (\(name)), which other programs run; give the model directory that it was made of"
            )
        }
    }

    /// Opens a directory whose `config.json` was read.
    ///
    /// - Parameters:
    ///   - path: The directory.
    ///   - options: How it is opened.
    ///   - configuration: The contents of `config.json`.
    ///   - expressions: Searches regular expressions for which the tokenizers have no scanner; without it a tokenizer that needs one
    ///     is an error.
    package init(
        _ path: String, _ options: Options, _ configuration: ModelConfiguration,
        expressions: (any RegularExpressionEngine)? = nil
    ) throws {
        try InstructionSet.require()
        try Encoder.requireSupported(configuration)
        self.path = path
        self.configuration = configuration
        // Digests, weights and tokenizer at the same time.
        let verification = Beside { try ChecksumManifest.verify(path) }
        let weights = Beside { () throws -> Source in
            try configuration.isTable
                ? .table(StaticClassifier(path, configuration))
                : .encoder(
                    Encoder(
                        SafetensorsCheckpoint(directory: path), path: path, configuration,
                        usesBFloat16: options.usesBFloat16))
        }
        do {
            tokenizer = try Tokenizer.load(directory: path, expressions: expressions)
                .fitted(to: configuration, place: path)
            maxLength = try Self.maxLength(options.maxLength, configuration, tokenizer, in: path)
            source = try weights.value()
        } catch {
            // A changed file is the reason for whatever else is wrong.
            try verification.value()
            throw error
        }
        warnings = configuration.warnings + tokenizer.warnings(for: configuration, in: path)
        try verification.value()
    }

    /// The number of tokens that are read of a text.
    ///
    /// - Parameter stated: What the files of a sentence-transformers model say.
    static func maxLength(
        _ wanted: Int?, stated: Int? = nil, _ configuration: ModelConfiguration, _ tokenizer: Tokenizer,
        in path: String
    ) throws -> Int {
        if let wanted, wanted < 3 {
            throw RuntimeError(
                "max_length must be at least 3 (two special tokens and one of text), got \(wanted)")
        }
        let length = try wanted ?? stated ?? TrainedLength.tokens(in: path) ?? tokenizer.modelMaxLength
        return min(length ?? configuration.maxLength, configuration.maxLength)
    }

    /// Returns true if the kernels compute a model.
    ///
    /// - Parameter hasHead: False where its hidden states alone are read, whatever class its weights belong to.
    package static func supports(_ configuration: ModelConfiguration, hasHead: Bool = true) -> Bool {
        (try? Encoder.requireSupported(configuration, hasHead: hasHead)) != nil
    }

    /// The logits of encoded texts, in their order. A text's logits depend neither on the texts beside it nor on the number of
    /// threads.
    ///
    /// - Parameter encoding: The texts, each no longer than ``maxLength``.
    /// - Returns: Of a sequence classifier a row for each text; of a tagger one for each token. A row is as many numbers as there are
    ///   labels.
    /// - Throws: ``RuntimeError`` for an id outside of the vocabulary, and an empty text; ``NonFiniteLogitsError`` where a logit is not a finite number.
    public func logits(_ encoding: FlatEncoding) throws -> [Float] {
        switch source {
        case .encoder(let encoder): return try logits(encoding, encoder)
        case .table(let classifier):
            let values = try classifier.logits(encoding)
            if let index = values.firstIndex(where: { !$0.isFinite }) {
                throw NonFiniteLogitsError(path, example: index / labels.count, value: values[index])
            }
            return values
        }
    }

    private func logits(_ encoding: FlatEncoding, _ encoder: Encoder) throws -> [Float] {
        let (classes, hasRowForEachToken) = (labels.count, isTagger)
        let lengths = (0..<encoding.count).map { encoding.offsets[$0 + 1] - encoding.offsets[$0] }
        var values = [Float](
            repeating: 0, count: (hasRowForEachToken ? encoding.ids.count : encoding.count) * classes)
        for batch in TokenBatches(lengths: lengths) {
            let texts = PackedTexts(encoding, batch)
            let rows = try encoder.logits(texts)
            defer { withExtendedLifetime(rows) {} }
            var row = 0
            for (place, text) in batch.enumerated() {
                let count = hasRowForEachToken ? lengths[text] : 1
                let first = hasRowForEachToken ? encoding.offsets[text] : text
                for index in 0..<count * classes {
                    let value = rows.pointer[row * classes + index]
                    guard value.isFinite else {
                        throw NonFiniteLogitsError(path, example: text, value: value)
                    }
                    values[first * classes + index] = value
                }
                row = hasRowForEachToken ? Int(texts.offsets[place + 1]) : place + 1
            }
        }
        return values
    }
}

/// Texts of similar length together, up to a number of tokens, the longest first.
struct TokenBatches: Sequence, IteratorProtocol {
    /// As many tokens as keep a thread busy while a layer's intermediate results stay in its processor's cache: with 512 an int8 MiniLM
    /// is 1.15 times as fast as with 8192, in float32 as fast (AMD EPYC, 1 MB of second-level cache).
    static let tokensOfThread = 512
    private let lengths: [Int]
    private let mostTokens: Int
    private var rest: ArraySlice<Int>

    /// - Parameters:
    ///   - lengths: The texts' numbers of tokens.
    ///   - threads: The threads that compute a batch; `nil` for as many as the kernels take.
    init(lengths: [Int], threads: Int? = nil) {
        self.lengths = lengths
        mostTokens = Swift.min(8192, Self.tokensOfThread * (threads ?? Int(ck_threads())))
        rest = lengths.indices.sorted { (lengths[$1], $0) < (lengths[$0], $1) }[...]
    }

    mutating func next() -> [Int]? {
        guard let first = rest.popFirst() else { return nil }
        var batch = [first]
        var tokens = lengths[first]
        while let text = rest.first, tokens + lengths[text] <= mostTokens {
            batch.append(text)
            tokens += lengths[text]
            rest.removeFirst()
        }
        return batch
    }
}
