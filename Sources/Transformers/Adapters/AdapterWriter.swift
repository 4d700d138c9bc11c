import Architectures
import Files
import Foundation
import JSON
import Safetensors
import Torch

/// Saves a model's adapters in PEFT's files, which `PeftModel.from_pretrained` and transformers open.
public enum AdapterWriter {
    /// The name of the file that describes adapters.
    public static let configurationName = "adapter_config.json"
    /// The name of the file of their weights.
    public static let weightsName = "adapter_model.safetensors"
    /// The name of the file of a classifier's labels, which PEFT's files have no place for, and PEFT does not read.
    public static let labelsName = "adapter_labels.json"
    /// What stands before a parameter's name there.
    static let prefix = "base_model.model."

    /// Writes `adapter_config.json` and `adapter_model.safetensors`, and of a classifier ``labelsName``.
    ///
    /// - Parameters:
    ///   - model: A model with adapters.
    ///   - base: The base model's directory, or its name on the Hub.
    ///   - directory: The target, created if it does not exist.
    /// - Throws: `FileError` where the disk is full or must not be written; ``TransformersError`` where the model has no adapters, PEFT has
    ///   no place for what is trained beside them, or a weight is not finite.
    public static func save(_ model: TransformerModel, base: String, to directory: URL) throws {
        guard let adapters = model.adapters else {
            throw TransformersError("the model has no adapters to save")
        }
        let kind = model.configuration.headKind
        guard kind != .embedding || adapters.whole.isEmpty else {
            throw TransformersError(
                "the dense layers behind the encoder are trained too, for which PEFT's files have no place; leave --lora-save adapter out"
            )
        }
        do {
            try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        } catch {
            throw FileError.writeFailed(directory.plainPath, reason: error.localizedDescription)
        }
        let entries = adapters.parameters.entries.map { entry in
            SafetensorsWriter.Entry(
                name: prefix + stored(entry.name, model), dtype: .float32, shape: entry.tensor.shape
            ) { body in try ModelWriter.write(entry, as: .float32, to: body) }
        }
        try SafetensorsWriter.write(
            entries, metadata: ["format": "pt"], to: directory.appending(path: weightsName))
        if kind.hasLabels {
            try AdapterLabels(model.configuration).write(to: directory.appending(path: labelsName))
        }
        let json = JSONValue.object(try configuration(model, adapters, base))
        try AtomicFile.write(
            json.serialized(pretty: true, sortedKeys: true) + "\n",
            to: directory.appending(path: configurationName))
    }

    /// A parameter's name in the class that is saved: a model for embeddings is the encoder alone.
    private static func stored(_ name: String, _ model: TransformerModel) -> String {
        let base = model.configuration.family.layout.base + "."
        return model.configuration.headKind == .embedding && name.hasPrefix(base)
            ? String(name.dropFirst(base.count)) : name
    }

    private static func configuration(
        _ model: TransformerModel, _ adapters: LowRankAdapters, _ base: String
    ) throws -> JSONObject {
        let options = adapters.options
        let task = model.configuration.headKind.peftTaskType
        let modules = wholeModules(model, adapters)
        return JSONObject([
            ("alpha_pattern", .object(JSONObject())), ("auto_mapping", .null),
            ("base_model_name_or_path", .string(base)), ("bias", .string("none")),
            ("fan_in_fan_out", .bool(adapters.layers.contains(where: \.isTransposed))),
            ("inference_mode", .bool(true)), ("init_lora_weights", .bool(true)),
            ("lora_alpha", number(options.alpha)), ("lora_dropout", number(options.dropout)),
            ("modules_to_save", modules.isEmpty ? .null : .array(modules.map { .string($0) })),
            ("peft_type", .string("LORA")), ("r", .integer(options.rank)),
            ("rank_pattern", .object(JSONObject())),
            ("target_modules", .array(targetModules(model, adapters).map { .string($0) })),
            ("task_type", .string(task)), ("use_dora", .bool(false)),
            ("use_rslora", .bool(options.useRslora)),
        ])
    }

    /// A number, without a fraction where it has none: PEFT's alpha is a whole number as a rule.
    private static func number(_ value: Double) -> JSONValue {
        Int(exactly: value).map { .integer($0) } ?? .number(value)
    }

    /// The modules that are trained whole, by the ends of their names.
    private static func wholeModules(_ model: TransformerModel, _ adapters: LowRankAdapters) -> [String] {
        let base = model.configuration.family.layout.base + "."
        var modules: [String] = []
        for entry in adapters.whole {
            let path = entry.name.split(separator: ".").dropLast().joined(separator: ".")
            let isInBase = path.hasPrefix(base)
            let module =
                isInBase
                ? String(path.dropFirst(base.count))
                : String(path.split(separator: ".").first ?? "")
            if !modules.contains(module) { modules.append(module) }
        }
        return modules
    }

    /// Names by which PEFT finds the adapted layers, and no other: a layer is found by the end of its name.
    private static func targetModules(_ model: TransformerModel, _ adapters: LowRankAdapters) -> [String] {
        let adapted = adapters.layers.map { stored($0.layer, model) }
        let all = model.parameters.linearLayers.map { stored($0.name, model) }
        func finds(_ names: [String]) -> Bool {
            all.filter { layer in names.contains { layer == $0 || layer.hasSuffix("." + $0) } } == adapted
        }
        let options = adapters.options
        if options.targets != [LoRAOptions.allLinear], finds(options.targets) { return options.targets }
        // What comes behind a layer's number.
        var ends: [String] = []
        for name in adapted {
            let parts = name.split(separator: ".")
            let number = parts.lastIndex { Int($0) != nil } ?? -1
            let end = parts[(number + 1)...].joined(separator: ".")
            if !ends.contains(end) { ends.append(end) }
        }
        return finds(ends) ? ends : adapted
    }
}
