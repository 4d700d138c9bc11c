import Architectures
import Files
import Foundation
import Safetensors
import Torch

/// Adapters in PEFT's files: what they are, and a model with them merged.
public struct AdapterReader {
    /// The directory of the files.
    public let directory: URL
    let configuration: AdapterConfiguration

    /// Returns true if a directory holds adapters and no model.
    public static func isDirectory(_ directory: URL) -> Bool {
        directory.appending(path: AdapterWriter.configurationName).fileExists
            && !directory.appending(path: "config.json").fileExists
    }

    /// Returns true if something is a model: a directory with its description, or a GGUF file.
    public static func isModel(_ place: URL) -> Bool {
        place.appending(path: "config.json").fileExists || (AutoModel.isGGUF(place) && place.fileExists)
    }

    /// Reads the description of adapters.
    ///
    /// - Throws: ``TransformersError`` for adapters of another kind than LoRA, for fields that change what they compute and are not known,
    ///   and where their weights are missing or pickles.
    public init(_ directory: URL) throws {
        self.directory = directory
        configuration = try AdapterConfiguration(directory)
        let weights = directory.appending(path: AdapterWriter.weightsName)
        guard !weights.fileExists else { return }
        guard !directory.appending(path: "adapter_model.bin").fileExists else {
            throw TransformersError(
                "\(directory.plainPath): holds the adapters' weights as adapter_model.bin, a pickle, which is not read since it may run "
                    + "any program; write \(AdapterWriter.weightsName) with PEFT: PeftModel.from_pretrained(…) and then "
                    + "save_pretrained(…, safe_serialization=True)")
        }
        throw TransformersError(
            "\(weights.plainPath): is missing, though \(AdapterWriter.configurationName) is there; copy the adapters' weights to it"
        )
    }

    /// The model that the adapters are of: a directory, or a name on the Hub with its revision, where one is named.
    public var base: String {
        let name = configuration.base
        // A path has no revision.
        let isPath = name.hasPrefix("/") || name.hasPrefix(".") || name.filter { $0 == "/" }.count != 1
        return isPath ? name : name + (configuration.revision.map { "@" + $0 } ?? "")
    }

    /// The base model's directory where it is one: as it is named, or beside the adapters; `nil` for a name on the Hub.
    public var localBase: URL? {
        let name = configuration.base
        return [URL(filePath: name), directory.appending(path: name).standardizedFileURL].first(
            where: Self.isModel)
    }

    /// Loads the base model and merges the adapters.
    ///
    /// - Parameter base: The base model's directory.
    /// - Throws: ``TransformersError`` for tensors that are no adapters of the model, or not those that the description names; what
    ///   loading the base throws.
    public func model(base: URL) throws -> TransformerModel {
        let weights = try SafetensorsCheckpoint(
            file: directory.appending(path: AdapterWriter.weightsName))
        let model = try load(base, weights)
        let contents = try AdapterContents(weights, of: model, configuration, path: weightsPath)
        for pair in contents.pairs {
            let (a, b) = (try tensor(pair.a, weights), try tensor(pair.b, weights))
            try pair.layer.add(a, b, scale: configuration.scale(rank: a.size(0)))
            guard try FiniteWeights.holds(pair.layer.weight) else {
                throw TransformersError(
                    "\(weightsPath): with the adapter of '\(pair.layer.name)' that layer's weight is not finite; lora_alpha "
                        + "(\(configuration.path)) or the adapter's numbers are too large")
            }
        }
        for (parameter, stored) in contents.whole { try parameter.copy(from: tensor(stored, weights)) }
        return model
    }

    private var weightsPath: String { directory.appending(path: AdapterWriter.weightsName).plainPath }

    private func tensor(_ name: String, _ weights: SafetensorsCheckpoint) throws -> Tensor {
        guard let info = weights.info(name), let type = CheckpointSource.floatingPointTypes[info.dtype] else {
            throw TransformersError(
                "\(weightsPath): the tensor '\(name)' is missing or of no floating-point type")
        }
        let read = try weights.withBytes(of: name) { try Tensor(bytes: $0, shape: info.shape, dtype: type) }
        let tensor = try read.to(.float32)
        guard try FiniteWeights.holds(tensor) else { throw FiniteWeights.error(directory.plainPath, name) }
        return tensor
    }

    /// Loads the base with the head that the adapters bring.
    private func load(_ base: URL, _ weights: SafetensorsCheckpoint) throws -> TransformerModel {
        guard let kind = HeadKind.classifier(peftTaskType: self.configuration.task) else {
            return try AutoModel.load(from: base).model
        }
        let configuration = try ModelConfiguration(contentsOf: base)
        let classifier = configuration.family.layout.head(kind).classifier + ".weight"
        guard let classes = weights.info(AdapterWriter.prefix + classifier)?.shape.first else {
            return try AutoModel.load(from: base).model
        }
        if let labels = try AdapterLabels(contentsOf: directory.appending(path: AdapterWriter.labelsName)) {
            try labels.require(classes: classes, weightsPath)
            return try AutoModel.load(
                from: base, labelNames: labels.names, task: labels.task, ignoreMismatchedSizes: true
            ).model
        }
        let isOwn = configuration.headKind == kind && configuration.labelNames.count == classes
        let names = isOwn ? configuration.labelNames : (0..<classes).map { "LABEL_\($0)" }
        return try AutoModel.load(
            from: base, labelNames: names,
            task: isOwn ? configuration.task : kind.newTask(classes: classes),
            ignoreMismatchedSizes: true
        ).model
    }
}
