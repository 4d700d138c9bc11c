import Files
import Foundation
import GGUF
import JSON
import Safetensors
import Transformers

/// The directory of a model that is exported: its own, or for a GGUF file a folder that it is converted to, in float32.
final class GGUFSourceDirectory {
    let directory: URL
    /// The model's name.
    let name: String
    /// Removed with this value.
    private let folder: TemporaryFolder?

    /// - Throws: `GGUFError` for a file that is not understood; `FileError` where nothing can be written.
    init(_ model: URL) throws {
        guard AutoModel.isGGUF(model) else {
            (directory, folder) = (model, nil)
            name = model.standardizedFileURL.lastPathComponent
            return
        }
        let folder = try TemporaryFolder()
        let source = try GGUFModel(file: model)
        try Self.write(source, to: folder.url)
        (directory, self.folder) = (folder.url, folder)
        name =
            source.checkpoint["general.name"]?.stringValue
            ?? model.deletingPathExtension().lastPathComponent
    }

    /// Writes a file's model as a directory in Hugging Face format, tensor by tensor.
    private static func write(_ model: GGUFModel, to directory: URL) throws {
        let entries = model.tensors.map { tensor in
            SafetensorsWriter.Entry(name: tensor.name, dtype: .float32, shape: tensor.shape) { body in
                try tensor.floats().withUnsafeBytes(body)
                model.checkpoint.releasePages()
            }
        }
        try SafetensorsWriter.writeSharded(entries, toDirectory: directory)
        try AtomicFile.write(
            JSONValue.object(model.configuration).serialized(pretty: true),
            to: directory.appending(path: "config.json"))
        let tokenizer = try GGUFTokenizer(model.checkpoint)
        try tokenizer.write(to: directory)
        try writeTemplates(model.checkpoint, tokenizer.chatTemplate, to: directory)
        var generation: JSONObject = [:]
        for key in ["bos_token_id", "eos_token_id", "pad_token_id"] {
            generation[key] = model.configuration[key]
        }
        try AtomicFile.write(
            JSONValue.object(generation).serialized(pretty: true),
            to: directory.appending(path: "generation_config.json"))
    }

    /// Writes templates that have names of their own; with them the one without a name is a file, too.
    private static func writeTemplates(
        _ checkpoint: GGUFCheckpoint, _ usual: String?, to directory: URL
    ) throws {
        let start = "tokenizer.chat_template."
        let named = checkpoint.metadata.filter { $0.key.hasPrefix(start) && !$0.key.contains("/") }
        guard !named.isEmpty else { return }
        let folder = directory.appending(path: "additional_chat_templates")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        if let usual { try AtomicFile.write(usual, to: directory.appending(path: "chat_template.jinja")) }
        for (key, value) in named {
            guard let text = value.stringValue else { continue }
            try AtomicFile.write(text, to: folder.appending(path: "\(key.dropFirst(start.count)).jinja"))
        }
    }
}
