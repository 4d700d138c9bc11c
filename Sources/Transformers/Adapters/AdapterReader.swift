import Architectures
import Files
import Foundation
import JSON
import Safetensors
import Torch

/// Adapters in PEFT's files: what they are, and a model with them merged.
public struct AdapterReader {
    /// The directory of the files.
    public let directory: URL
    /// The model that the adapters are of: a directory, or a name on the Hub; with its revision where the file names one.
    public let base: String
    private let alpha: Double
    private let isStable: Bool
    private let task: String?

    /// Returns true if a directory holds adapters and no model.
    public static func isDirectory(_ directory: URL) -> Bool {
        directory.appending(path: AdapterWriter.configurationName).fileExists
            && !directory.appending(path: "config.json").fileExists
    }

    /// Reads the description of adapters.
    ///
    /// - Throws: ``TransformersError`` for adapters of another kind than LoRA, and for fields that change what they compute and are not known.
    public init(_ directory: URL) throws {
        self.directory = directory
        let file = directory.appending(path: AdapterWriter.configurationName)
        let path = file.plainPath
        guard let fields = try JSONValue.load(contentsOf: file, dialect: .python).objectValue else {
            throw TransformersError("\(path): is no JSON object")
        }
        func refuse(_ name: String, _ why: String) -> TransformersError {
            TransformersError(
                "\(path): \(name) \(why); merge the adapters with PEFT (merge_and_unload) and give the merged model"
            )
        }
        guard let kind = fields["peft_type"]?.stringValue, kind == "LORA" else {
            throw refuse(
                "peft_type", "is \(fields["peft_type"]?.stringValue ?? "missing"), only LORA is read")
        }
        for name in ["use_dora", "lora_bias", "use_qalora", "use_bdlora"]
        where fields[name]?.boolValue == true {
            throw refuse(name, "is true, which is not read")
        }
        for name in ["alpha_pattern"] where fields[name]?.objectValue?.isEmpty == false {
            throw refuse(name, "gives layers factors of their own, which is not read")
        }
        for name in ["layer_replication", "trainable_token_indices", "target_parameters"] {
            guard let value = fields[name], !value.isNull, value.arrayValue?.isEmpty != true else { continue }
            throw refuse(name, "is set, which is not read")
        }
        guard let alpha = fields["lora_alpha"]?.doubleValue, alpha.isFinite else {
            throw TransformersError("\(path): lora_alpha must be a number")
        }
        guard let name = fields["base_model_name_or_path"]?.stringValue, !name.isEmpty else {
            throw TransformersError(
                "\(path): base_model_name_or_path must name the model that the adapters are of")
        }
        let revision = fields["revision"]?.stringValue.map { "@" + $0 } ?? ""
        base = name + revision
        self.alpha = alpha
        isStable = fields["use_rslora"]?.boolValue ?? false
        task = fields["task_type"]?.stringValue
    }

    /// The base model's directory where it is one: as it is named, or beside the adapters; `nil` for a name on the Hub.
    public var localBase: URL? {
        [URL(filePath: base), directory.appending(path: base).standardizedFileURL].first {
            $0.appending(path: "config.json").fileExists || (AutoModel.isGGUF($0) && $0.fileExists)
        }
    }

    /// Loads the base model and merges the adapters.
    ///
    /// - Parameter base: The base model's directory.
    /// - Throws: ``TransformersError`` for tensors that are no adapters of the model; what loading the base throws.
    public func model(base: URL) throws -> TransformerModel {
        let weights = try SafetensorsCheckpoint(
            file: directory.appending(path: AdapterWriter.weightsName))
        let model = try load(base, weights)
        var merged: Set<String> = []
        let layers = Dictionary(
            model.parameters.linearLayers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        let layout = model.configuration.family.layout
        for stored in weights.names.sorted() where !merged.contains(stored) {
            guard stored.hasPrefix(AdapterWriter.prefix) else { throw unknown(stored, model) }
            let name = layout.parameterName(String(stored.dropFirst(AdapterWriter.prefix.count)))
            if name.hasSuffix(Self.a) {
                let other = String(stored.dropLast(Self.a.count)) + Self.b
                guard let layer = layers[String(name.dropLast(Self.a.count))] else {
                    throw unknown(stored, model)
                }
                guard weights.info(other) != nil else {
                    throw unknown(stored, model, "has no \(other) beside it")
                }
                let (a, b) = (try tensor(stored, weights), try tensor(other, weights))
                let rank = Double(max(1, a.shape.first ?? 1))
                do { try layer.add(a, b, scale: alpha / (isStable ? rank.squareRoot() : rank)) } catch {
                    throw unknown(stored, model, "does not fit its layer: \(error)")
                }
                merged.insert(other)
            } else if let parameter = model.parameters[name] {
                let own = try tensor(stored, weights)
                guard own.shape == parameter.shape else {
                    throw unknown(stored, model, "has the shape \(own.shape), not \(parameter.shape)")
                }
                try parameter.copy(from: own)
            } else if !name.hasSuffix(Self.b) || layers[String(name.dropLast(Self.b.count))] == nil {
                throw unknown(stored, model)
            }
        }
        return model
    }

    private static let (a, b) = (".lora_A.weight", ".lora_B.weight")

    private func unknown(
        _ tensor: String, _ model: TransformerModel, _ why: String = "is no adapter or parameter of it"
    ) -> TransformersError {
        TransformersError(
            "\(directory.appending(path: AdapterWriter.weightsName).plainPath): the tensor '\(tensor)' \(why) (base model "
                + "\(model.configuration.source)); give base_model_name_or_path in \(AdapterWriter.configurationName) the model that "
                + "these adapters were trained on")
    }

    private func tensor(_ name: String, _ weights: SafetensorsCheckpoint) throws -> Tensor {
        guard let info = weights.info(name), let type = CheckpointSource.floatingPointTypes[info.dtype] else {
            throw TransformersError(
                "\(directory.appending(path: AdapterWriter.weightsName).plainPath): the tensor '\(name)' is missing or of no "
                    + "floating-point type")
        }
        let read = try weights.withBytes(of: name) { try Tensor(bytes: $0, shape: info.shape, dtype: type) }
        let tensor = try read.to(.float32)
        guard try FiniteWeights.holds(tensor) else { throw FiniteWeights.error(directory.plainPath, name) }
        return tensor
    }

    /// Loads the base with the head that the adapters bring.
    private func load(_ base: URL, _ weights: SafetensorsCheckpoint) throws -> TransformerModel {
        guard let kind = HeadKind.classifier(peftTaskType: task) else {
            return try AutoModel.load(from: base).model
        }
        let configuration = try ModelConfiguration(contentsOf: base)
        let classifier = configuration.family.layout.head(kind).classifier + ".weight"
        guard let classes = weights.info(AdapterWriter.prefix + classifier)?.shape.first else {
            return try AutoModel.load(from: base).model
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
