import Architectures
import ChatTemplates
import Decoding
import GGUF
import Safetensors
import Storage
import Tokenizers

/// The files that a language model is read from: a directory in Hugging Face format, or GGUF.
struct LanguageModelFiles: Sendable {
    let configuration: ModelConfiguration
    private let path: String
    private let gguf: GGUFFiles?

    /// A GGUF file's contents.
    private struct GGUFFiles: Sendable {
        let model: GGUFModel
        let tokenizer: GGUFTokenizer
    }

    /// True for a GGUF file, by its name.
    static func isGGUF(_ path: String) -> Bool {
        path.lowercased().hasSuffix(".gguf") && FileKind(path) != .directory
    }

    /// - Parameters:
    ///   - path: The directory or file.
    ///   - weights: The form in which weights are to be multiplied.
    /// - Throws: ``RuntimeError``, `GGUFError`, `ArchitectureError`, `JSONError` or `FileError`.
    init(_ path: String, _ weights: LanguageModel.Weights) throws {
        self.path = path
        guard Self.isGGUF(path) else {
            try RuntimeModel.requireDirectory(path)
            configuration = try ModelConfiguration(contentsOf: path)
            gguf = nil
            return
        }
        let model = try GGUFModel(file: path)
        if weights != .stored, WeightSource.gguf(model).hasBlocks {
            throw RuntimeError(
                "\(path): its weights are in blocks of few bits already, which are multiplied as they are; leave out "
                    + "--\(weights.rawValue) (with `distill generate` pass --weights stored), or give a file in F32, F16 or BF16"
            )
        }
        configuration = try ModelConfiguration(json: model.configuration, source: path)
        gguf = GGUFFiles(model: model, tokenizer: try GGUFTokenizer(model.checkpoint))
    }

    /// Compares the files with their digests, where the directory has some.
    func verify() throws {
        if gguf == nil { try ChecksumManifest.verify(path) }
    }

    func weights() throws -> WeightSource {
        try gguf.map { .gguf($0.model) } ?? .safetensors(SafetensorsCheckpoint(directory: path))
    }

    func tokenizer(_ expressions: (any RegularExpressionEngine)?) throws -> Tokenizer {
        guard let gguf else { return try Tokenizer.load(directory: path, expressions: expressions) }
        return try Tokenizer.load(
            file: path, tokenizer: gguf.tokenizer.tokenizer, configuration: gguf.tokenizer.configuration,
            expressions: expressions)
    }

    func chatTemplates() throws -> ChatTemplates {
        guard let gguf else { return try ChatTemplates.load(directory: path) }
        return try ChatTemplates.load(
            configuration: gguf.tokenizer.configuration, file: "\(path): key \"\(GGUFTokenizer.templateKey)\""
        )
    }

    func defaults() throws -> GenerationOptions {
        guard let gguf else { return try GenerationOptions(directory: path) }
        return try GenerationOptions(configuration: gguf.model.configuration, path: path)
    }
}
