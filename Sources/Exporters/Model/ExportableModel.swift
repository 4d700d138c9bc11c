import Architectures
import Files
import Foundation
import JSON
import Safetensors

/// A model directory as an exporter sees it: its configuration and tensors by name, without libtorch.
///
/// The configuration is read, and refused, as the model loader does. A module `X` is quantized where its
/// weight is int8 and `X.weight_scale` is beside it, whatever `config.json` states about modules by name: the
/// tensors decide.
public struct ExportableModel: Sendable {
    /// The directory from which it was read.
    public let directory: URL
    /// `config.json`; its fields as they were read are `ModelConfiguration.original`.
    public let configuration: ModelConfiguration
    let checkpoint: SafetensorsCheckpoint
    /// The checkpoint's names, keyed by the model's.
    let storedNames: [String: String]
    /// The checkpoints of dense layers of a model for embeddings, by the beginning of their names in the model.
    private(set) var modules: [String: SafetensorsCheckpoint] = [:]

    /// Opens a directory.
    ///
    /// - Parameter directory: The directory of `config.json` and `model.safetensors`, or shards with their
    ///   index.
    /// - Throws: ``ExportError`` where it is not a classifier; `ArchitectureError` where `config.json` is not supported;
    ///   `SafetensorsError`, `JSONError` or `FileError` where a file is missing or damaged.
    public init(directory: URL) throws {
        let path = directory.plainPath
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw FileError.missing(path)
        }
        guard isDirectory.boolValue else { throw FileError.notADirectory(path) }
        self.directory = directory
        var configuration = try ModelConfiguration(contentsOf: directory)
        guard !configuration.isTable else {
            throw ExportError(
                "\(path): is a static table, whose vector of a text is the mean of some rows: there are no layers to export; open the "
                    + "directory itself, by distill-run, the C interface or the server, and one for embeddings by model2vec too"
            )
        }
        if SentenceTransformer.isDirectory(directory), !configuration.namesHead {
            let embedding = try SentenceTransformer(contentsOf: directory)
            guard case .encoder(path) = embedding.source else {
                throw ExportError(
                    "\(path): its encoder is not in the directory itself; save it by sentence-transformers 3 or later, "
                        + "or use its own export")
            }
            configuration.embedding = embedding
            try configuration.validate()
            for (place, stage) in embedding.stages.enumerated() {
                if case .dense(let dense) = stage {
                    modules["\(SentenceTransformer.layerPrefix).\(place)."] = try SafetensorsCheckpoint(
                        directory: dense.path)
                }
            }
        }
        self.configuration = configuration
        checkpoint = try SafetensorsCheckpoint(directory: directory)
        storedNames = try configuration.family.layout.storedNames(checkpoint.names, path: path)
        guard configuration.embedding != nil || !head.outputs.isDisjoint(with: storedNames.keys) else {
            throw ExportError(
                "\(path): is not a classifier: the checkpoint has no classifier head; run `distill finetune --model "
                    + "\(path)` first")
        }
    }

    /// The directory's path, for messages.
    public var path: String { directory.plainPath }

    /// The names of its head's layers.
    var head: HeadNames { configuration.family.layout.head(configuration.headKind) }

    /// The total number of elements in all tensors.
    public var elementCount: Int { checkpoint.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }

    /// True if any module's weights are int8.
    public var isQuantized: Bool { !quantizedModules.isEmpty }

    /// The names of the modules whose weights are int8, sorted.
    public var quantizedModules: [String] {
        storedNames.compactMap { name, stored in
            guard name.hasSuffix(".weight"), checkpoint.info(stored)?.dtype == .int8 else { return nil }
            return String(name.dropLast(".weight".count))
        }.sorted()
    }
}

extension ExportableModel {
    /// Computes the SHA-256 of each weight file, by its name.
    ///
    /// - Throws: `FileError` where a file cannot be read.
    func weightDigests() throws -> JSONObject {
        var digests = JSONObject()
        for file in checkpoint.files {
            let url = URL(filePath: file.path)
            digests[url.lastPathComponent] = .string(try Digest.sha256(ofFile: url))
        }
        return digests
    }

    /// Writes `config.json` without the type and quantization of the weights, which no longer describe the
    /// files beside it.
    ///
    /// - Throws: `FileError`.
    func writeConfiguration(to target: URL) throws {
        var fields = configuration.original
        fields["quantization_config"] = nil
        let text = JSONValue.object(fields).serialized(pretty: true, sortedKeys: true)
        try AtomicFile.write(text + "\n", to: target.appending(path: "config.json"))
    }

    /// Copies the files of a model for embeddings that describe its modules, and their weights.
    ///
    /// - Throws: `FileError`.
    func copyModules(to target: URL) throws {
        guard configuration.embedding != nil else { return }
        var names = [
            SentenceTransformer.fileName, "sentence_bert_config.json", "config_sentence_transformers.json",
        ]
        let own =
            try JSONValue.load(contentsOf: directory.appending(path: SentenceTransformer.fileName)).arrayValue
            ?? []
        for case let path? in own.map({ $0.objectValue?["path"]?.stringValue }) where !path.isEmpty {
            let folder = target.appending(path: path)
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            } catch {
                throw FileError.writeFailed(folder.plainPath, reason: error.localizedDescription)
            }
            names += ["\(path)/config.json", "\(path)/model.safetensors"]
        }
        try copy(names, to: target)
    }

    /// Copies files of the directory unchanged, where they exist.
    ///
    /// - Throws: `FileError`.
    func copy(_ names: [String], to target: URL) throws {
        for name in names {
            let source = directory.appending(path: name)
            guard FileManager.default.fileExists(atPath: source.plainPath) else { continue }
            let file = try MappedFile(source)
            try AtomicFile.write(to: target.appending(path: name)) { try $0.write(file.bytes) }
        }
    }
}

extension ModelConfiguration {
    /// The name of the output of an exported model.
    var outputName: String { embedding == nil ? "logits" : "sentence_embedding" }
}
