import Files
import Foundation
import GGUF
import JSON
import Transformers

/// Where the files of a model's tokenizer are: in its directory, or, for a GGUF file, in a folder that they are written to.
final class TokenizerFiles {
    let directory: URL
    /// Removed with this value.
    private let folder: TemporaryFolder?

    /// - Throws: `GGUFError` for a file whose tokenizer is not understood; `FileError` where nothing can be written.
    init(of model: URL) throws {
        guard AutoModel.isGGUF(model) else {
            (directory, folder) = (try Self.place(of: model), nil)
            return
        }
        let folder = try TemporaryFolder()
        let checkpoint = try GGUFCheckpoint(file: model)
        try GGUFTokenizer(checkpoint).write(to: folder.url)
        let configuration = try GGUFModel(checkpoint).configuration
        var generation: JSONObject = [:]
        for key in ["bos_token_id", "eos_token_id", "pad_token_id"] { generation[key] = configuration[key] }
        try AtomicFile.write(
            JSONValue.object(generation).serialized(pretty: true),
            to: folder.url.appending(path: "generation_config.json"))
        (directory, self.folder) = (folder.url, folder)
    }

    /// The directory of a model's tokenizer: that of a static table lies beside the table, which sentence-transformers may have put in a
    /// folder of its own.
    static func place(of model: URL) throws -> URL {
        guard SentenceTransformer.isDirectory(model),
            case .table(let path) = try SentenceTransformer(contentsOf: model).source
        else { return model }
        let place = URL(filePath: path, directoryHint: .isDirectory).standardizedFileURL
        return place.plainPath == model.standardizedFileURL.plainPath ? model : place
    }

    /// The configuration of a model's directory or GGUF file.
    static func configuration(of model: URL) throws -> ModelConfiguration {
        guard AutoModel.isGGUF(model) else { return try ModelConfiguration(contentsOf: model) }
        return try ModelConfiguration(
            json: GGUFModel(file: model).configuration, source: model.path(percentEncoded: false))
    }
}
