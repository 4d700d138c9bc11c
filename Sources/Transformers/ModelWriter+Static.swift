import Architectures
import Files
import Foundation
import JSON
import Safetensors
import Torch

/// Static models, saved in model2vec's form.
extension ModelWriter {
    /// Writes `model.safetensors` with the table (`embeddings`), by whose weights its rows are multiplied, and the head; `config.json`;
    /// and the modules of a model for embeddings.
    ///
    /// - Throws: `FileError`; ``TransformersError`` for a number that is not finite, or that float16 cannot hold.
    static func saveTable(_ model: TransformerModel, to directory: URL) throws {
        let configuration = model.configuration
        let (own, dense) = parts(of: model)
        let (table, weights) = (StaticNames.table + ".weight", StaticNames.tokenWeights + ".weight")
        let scale = try own.first { $0.name == weights }.map { try $0.tensor.detached().unsqueezed(1) }
        let isHalf = configuration.storesHalfTable
        let entries = try own.filter { $0.name != weights }.map { entry in
            guard entry.name == table else {
                return SafetensorsWriter.Entry(
                    name: entry.name, dtype: .float32, shape: entry.tensor.shape
                ) { try write(entry, as: .float32, to: $0) }
            }
            let rows = try scale.map { try entry.tensor.detached() * $0 } ?? entry.tensor
            let whole = ParameterStore.Entry(name: entry.name, tensor: rows, isAuxiliary: false)
            return SafetensorsWriter.Entry(
                name: StaticNames.stored.model2vec, dtype: isHalf ? .float16 : .float32, shape: rows.shape
            ) { try write(whole, as: isHalf ? .float16 : .float32, to: $0) }
        }
        try SafetensorsWriter.writeSharded(entries, toDirectory: directory)
        try writeModules(of: model, dense, to: directory)
        try AtomicFile.write(
            JSONValue.object(configuration.json()).serialized(pretty: true, sortedKeys: true) + "\n",
            to: directory.appending(path: "config.json"))
    }
}
