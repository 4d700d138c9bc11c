import Architectures
import Datasets
import DistillRuntime
import Files
import Foundation
import Tokenizers
import Torch
import Transformers

/// A trained classifier with its tokenizer and labels, read from a model directory: frozen, and given no
/// gradient. Teachers and finished students are both read this way.
public final class LoadedModel {
    public let directory: URL
    /// The directory of the tokenizer's files: ``directory``, or for a GGUF file a folder that goes with this value.
    package var tokenizerDirectory: URL { files.directory }
    private let files: TokenizerFiles
    public let model: TransformerModel
    public let tokenizer: Tokenizer
    public let labels: LabelMap
    /// The settings of the files that are ignored; each a line for the user.
    public let warnings: [String]

    /// - Throws: ``DistillationError`` where the checkpoint lacks weights, above all a classifier head: its
    ///   predictions, and any model trained on them, would be noise; `ArchitectureError` where its class has another head.
    ///
    /// - Parameters:
    ///   - directory: The model's directory; a GGUF file for a language model.
    ///   - device: The device of its parameters.
    ///   - languageModels: True where a language model is taken too.
    public init(_ directory: URL, device: Device = .cpu, languageModels: Bool = false) throws {
        if !languageModels { try Self.requireClassifier(directory) }
        files = try TokenizerFiles(of: directory)
        let (model, report) = try AutoModel.load(from: directory, device: device, isMapped: true)
        guard report.newlyInitialized.isEmpty else {
            let missing = report.newlyInitialized.prefix(4).joined(separator: ", ")
            throw DistillationError(
                "\(directory.path): the checkpoint has no trained "
                    + (report.headIsNew ? "classifier head" : "weights")
                    + " (\(missing) would start at random), "
                    + "so its predictions would be noise; run `distill finetune --model \(directory.path)` first"
            )
        }
        try model.configuration.requireKnownHead()
        try model.parameters.freeze()
        self.directory = directory
        self.model = model
        tokenizer = try Tokenizer.load(for: model.configuration, in: files.directory)
        warnings =
            model.configuration.warnings + tokenizer.warnings(for: model.configuration, in: directory.path)
        labels = try LabelMap(names: model.configuration.labelNames)
    }

    /// Refuses a language model, before its weights are read: its outputs are the next tokens, not classes.
    ///
    /// - Parameters:
    ///   - directory: The model's directory, or a file.
    ///   - instead: What to do with a language model, as the end of a sentence.
    /// - Throws: ``DistillationError`` for one; `ArchitectureError` for a directory without a `config.json` that can be read.
    package static func requireClassifier(
        _ directory: URL,
        instead: String = "use run, finetune, label, evaluate or generate, or give an encoder"
    ) throws {
        guard try AutoModel.isGGUF(directory) || ModelConfiguration(contentsOf: directory).isDecoder else {
            return
        }
        throw DistillationError(
            "\(directory.path): is a language model, which this command does not take; \(instead)")
    }

    /// Refuses a sentence-transformers directory whose encoder has no head: its outputs are vectors, not classes.
    ///
    /// - Throws: ``DistillationError`` for one; the errors of its `config.json`.
    package static func requireNoEmbeddings(_ directory: URL) throws {
        guard SentenceTransformer.isDirectory(directory),
            try !ModelConfiguration(contentsOf: directory).namesHead
        else { return }
        throw DistillationError(
            "\(directory.path): is a model for embeddings (\(SentenceTransformer.fileName)), which this command does not take; use run, "
                + "evaluate, quantize, predict or serve")
    }

    /// Returns the number of tokens of a text that the model reads; see ``TextLength``.
    package func maxLength(_ wanted: Int?) -> Int {
        TextLength.tokens(of: model.configuration, wanted: wanted, in: directory, tokenizer: tokenizer)
    }

    /// The text that stands before each text; empty but for models for embeddings with a default prompt.
    package var prompt: String { model.configuration.embedding?.defaultPromptText ?? "" }

    /// How the texts of a language model are made; `nil` for another model.
    package func languageModelText(_ columns: DataColumns, maxLength: Int) throws -> LanguageModelText? {
        try LanguageModelText.of(
            model.configuration, in: tokenizerDirectory, tokenizer, columns, maxLength: maxLength)
    }

    /// What its outputs are, and how they are kept.
    func outputForm(_ coding: TeacherStateCoding) -> OutputForm {
        let configuration = model.configuration
        return configuration.task.predictsTokens
            ? .states(configuration.hiddenSize, coding) : .logits(configuration.outputCount)
    }
}

extension Tokenizer {
    /// Loads the tokenizer that belongs to a model: it gives token types only where `model_input_names` has them.
    ///
    /// - Throws: ``DistillationError`` where it has more tokens than the model, but for some that were added later, which
    ///   are errors in texts; `TokenizerError`.
    package static func load(for configuration: ModelConfiguration, in directory: URL) throws -> Tokenizer {
        let whole = try load(directory: directory)
        do {
            return try whole.fitted(to: configuration, place: directory.path)
        } catch let error as RuntimeError {
            throw DistillationError(error.description)
        }
    }
}
