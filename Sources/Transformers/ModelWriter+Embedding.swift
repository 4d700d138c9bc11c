import Architectures
import Files
import Foundation
import JSON
import Safetensors
import Torch

/// Models for embeddings, saved as sentence-transformers saves them: the encoder without a head, and modules of their own.
extension ModelWriter {
    /// A model's parameters that belong to its own file, under the names that they have there, and those of modules.
    static func parts(of model: TransformerModel) -> (
        own: [ParameterStore.Entry], modules: [ParameterStore.Entry]
    ) {
        guard model.configuration.embedding != nil else { return (model.saved.entries, []) }
        let base = model.configuration.family.layout.base + "."
        let isModule: (ParameterStore.Entry) -> Bool = {
            $0.name.hasPrefix(SentenceTransformer.layerPrefix + ".")
        }
        let own = model.parameters.entries.filter { !isModule($0) }.map { entry in
            // As the class without a head names them.
            let name = entry.name.hasPrefix(base) ? String(entry.name.dropFirst(base.count)) : entry.name
            return ParameterStore.Entry(name: name, tensor: entry.tensor, isAuxiliary: entry.isAuxiliary)
        }
        return (own, model.parameters.entries.filter(isModule))
    }

    /// Writes the modules of a model for embeddings; nothing for another model.
    ///
    /// - Parameter entries: The parameters of its dense layers, which are saved in float32.
    /// - Throws: `FileError`; ``TransformersError`` for a number that is not finite.
    static func writeModules(
        of model: TransformerModel, _ entries: [ParameterStore.Entry], to directory: URL
    ) throws {
        guard let embedding = model.configuration.embedding else { return }
        for (path, json) in embedding.files {
            let file = directory.appending(path: path)
            try makeDirectory(file.deletingLastPathComponent())
            try AtomicFile.write(json.serialized(pretty: true, sortedKeys: false) + "\n", to: file)
        }
        for (place, module) in embedding.modules.enumerated() {
            guard case .dense = module.stage else { continue }
            let prefix = EmbeddingHead.layerName(place) + "."
            let tensors = entries.filter { $0.name.hasPrefix(prefix) }.map { entry in
                SafetensorsWriter.Entry(
                    name: "linear." + entry.name.dropFirst(prefix.count), dtype: .float32,
                    shape: entry.tensor.shape
                ) { body in try write(entry, as: .float32, to: body) }
            }
            let folder = directory.appending(path: module.name)
            try makeDirectory(folder)
            try SafetensorsWriter.writeSharded(tensors, toDirectory: folder)
        }
    }

    private static func makeDirectory(_ url: URL) throws {
        do { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) } catch {
            throw FileError.writeFailed(url.plainPath, reason: error.localizedDescription)
        }
    }
}
