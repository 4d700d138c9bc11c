import Files
import Foundation
import JSON
import Safetensors

/// A model directory as an exporter sees it: fields of `config.json` and tensors by name, without libtorch.
///
/// A module `X` is quantised where its weight is int8 and `X.weight_scale` is beside it, whatever `config.json` says of
/// modules by name: the tensors decide.
public struct ExportableModel: Sendable {
    /// Where it was read.
    public let directory: URL
    /// `config.json`.
    public let configuration: JSONObject
    /// The family: `model_type`.
    public let modelType: String
    /// The classes' names by index.
    public let labels: [String]
    /// What the outputs mean, by transformers' names.
    public let problemType: String
    /// How activations are quantised where no range is stored beside the weights.
    let activationScheme: ActivationScheme?
    let checkpoint: SafetensorsCheckpoint
    /// By the model's name, the checkpoint's.
    let storedNames: [String: String]

    /// Opens a directory.
    ///
    /// - Parameter directory: It holds `config.json` and `model.safetensors`, or shards with their index.
    /// - Throws: ``ExportError`` where it is not a classifier, or is quantised in a way that is not known;
    ///   `SafetensorsError`, `JSONError` or `FileError` where a file is missing or damaged.
    public init(directory: URL) throws {
        let path = directory.plainPath
        let file = directory.appending(path: "config.json")
        var isDirectory: ObjCBool = false
        guard FileManager.default.fileExists(atPath: path, isDirectory: &isDirectory) else {
            throw FileError.missing(path)
        }
        guard isDirectory.boolValue else { throw FileError.notADirectory(path) }
        guard FileManager.default.fileExists(atPath: file.plainPath) else {
            throw ExportError("\(path): has no config.json; give a model directory in Hugging Face format")
        }
        let json = try JSONValue.load(contentsOf: file)
        guard let object = json.objectValue else {
            throw ExportError("\(file.plainPath): must be a JSON object, not \(json.typeName)")
        }
        let fields = ConfigurationFields(object, file: file.plainPath)
        self.directory = directory
        configuration = object
        modelType = try fields.modelType()
        labels = try fields.labels()
        problemType = try fields.problemType(labelCount: labels.count)
        activationScheme = try QuantizationFields(fields).activationScheme()
        checkpoint = try SafetensorsCheckpoint(directory: directory)

        var storedNames: [String: String] = [:]
        for stored in checkpoint.names {
            if let other = storedNames.updateValue(stored, forKey: Self.parameterName(stored, modelType)) {
                throw ExportError(
                    "\(path): the tensors '\(other)' and '\(stored)' are the same parameter; remove one")
            }
        }
        self.storedNames = storedNames
        guard storedNames.keys.contains(where: { $0.hasPrefix("classifier.") }) else {
            throw ExportError(
                "\(path): is not a classifier: the checkpoint has no classifier head; run `distill finetune --model "
                    + "\(path)` first")
        }
    }

    /// The directory's path, for messages.
    public var path: String { directory.plainPath }

    /// Whether its head gives a row of logits for each token.
    var classifiesTokens: Bool {
        configuration["architectures"]?.arrayValue?.first?.stringValue?.hasSuffix("ForTokenClassification")
            == true
    }

    /// The number of single numbers in all tensors.
    public var elementCount: Int { checkpoint.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) } }

    /// Whether any module's weights are int8.
    public var isQuantized: Bool { !quantizedModules.isEmpty }

    /// The names of the modules whose weights are int8, sorted.
    public var quantizedModules: [String] {
        storedNames.compactMap { name, stored in
            guard name.hasSuffix(".weight"), checkpoint.info(stored)?.dtype == .int8 else { return nil }
            return String(name.dropLast(".weight".count))
        }.sorted()
    }

    /// Fields of `config.json`, whose errors name the file.
    var fields: ConfigurationFields {
        ConfigurationFields(configuration, file: directory.appending(path: "config.json").plainPath)
    }

    /// The names of very old checkpoints, and of those that hold a bare BERT beside the head, in today's form.
    private static func parameterName(_ stored: String, _ modelType: String) -> String {
        var name = stored
        if name.hasSuffix("LayerNorm.gamma") { name = name.dropLast(5) + "weight" }
        if name.hasSuffix("LayerNorm.beta") { name = name.dropLast(4) + "bias" }
        let isBare =
            modelType == "bert" && ["embeddings.", "encoder.", "pooler."].contains { name.hasPrefix($0) }
        return isBare ? "bert." + name : name
    }
}

extension ExportableModel {
    /// The SHA-256 of each file of weights, by its name.
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

    /// Copies files of the directory as they are, where they are there.
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

extension URL {
    /// The path as a person writes it, for messages: no percent signs, no slash at the end.
    var plainPath: String {
        let path = path(percentEncoded: false)
        return path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}
