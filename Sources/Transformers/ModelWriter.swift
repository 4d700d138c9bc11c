import Files
import Foundation
import JSON
import Safetensors
import Torch

/// Saves models as Hugging Face directories.
public enum ModelWriter {
    /// Writes `config.json` and `model.safetensors` (or shards with an index, from 5 GB on), as
    /// `save_pretrained` does: float32, under transformers' names.
    ///
    /// - Parameters:
    ///   - model: What is saved.
    ///   - directory: Made if it is not there.
    /// - Throws: `FileError` where the disk is full or must not be written.
    public static func save(_ model: any SequenceClassifier, to directory: URL) throws {
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw FileError.writeFailed(directory.plainPath, reason: error.localizedDescription)
        }
        let entries = model.parameters.entries.map { entry in
            SafetensorsWriter.Entry(name: entry.name, dtype: .float32, shape: entry.tensor.shape) { body in
                try entry.tensor.to(.float32, .cpu).bytes().withUnsafeBytes(body)
            }
        }
        try SafetensorsWriter.writeSharded(entries, toDirectory: directory)
        let json = JSONValue.object(model.configuration.json())
        try AtomicFile.write(
            json.serialized(pretty: true, sortedKeys: true) + "\n",
            to: directory.appending(path: "config.json"))
    }
}
