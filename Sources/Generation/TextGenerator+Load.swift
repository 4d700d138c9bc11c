import Architectures
import Files
import Foundation
import GGUF
import RegularExpressions
import Tokenizers
import Torch
import Transformers

extension TextGenerator {
    /// Loads a language model, its tokenizer and its options.
    ///
    /// - Parameters:
    ///   - directory: A model directory in Hugging Face format, with `generation_config.json` if it has one; or a GGUF file.
    ///   - precision: The precision of matrix products; `auto` for the one that the device is fast at.
    ///   - device: The model's device.
    /// - Throws: `GenerationError` for options that are not supported, and what the readers of the files throw.
    public static func load(
        from directory: URL, precision: Precision = .float32, device: Device = .cpu
    ) throws -> TextGenerator {
        let (model, report) = try AutoModel.load(from: directory, device: device, isMapped: true)
        if let missing = report.newlyInitialized.first {
            throw GenerationError(
                "\(model.configuration.source): the checkpoint has no '\(missing)'; only a whole model generates texts"
            )
        }
        let isGGUF = AutoModel.isGGUF(directory)
        return try TextGenerator(
            model: model, tokenizer: isGGUF ? ggufTokenizer(directory) : .load(directory: directory),
            defaults: isGGUF
                ? GenerationOptions(
                    configuration: GGUFModel(file: directory).configuration,
                    path: directory.plainPath) : GenerationOptions(directory: directory),
            precision: precision)
    }

    /// The tokenizer of a GGUF file, by way of the files that Hugging Face would have.
    private static func ggufTokenizer(_ file: URL) throws -> Tokenizer {
        let directory = FileManager.default.temporaryDirectory.appending(
            path: "distill-tokenizer-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        try GGUFTokenizer(GGUFCheckpoint(file: file)).write(to: directory)
        return try Tokenizer.load(directory: directory)
    }
}
