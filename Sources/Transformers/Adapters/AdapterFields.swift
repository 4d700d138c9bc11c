import Files
import Foundation
import JSON

/// The fields of `adapter_config.json`, read by their types.
///
/// PEFT's `LoraConfig` has a field for every way to compute adapters that it knows, and gets more of them. Only those that are known
/// here may be set: what another field changes would be missing from the model without a word.
struct AdapterFields {
    /// The file's path.
    let path: String
    private let fields: JSONObject

    /// The fields that are read.
    private static let read: Set = [
        "peft_type", "base_model_name_or_path", "revision", "task_type", "r", "rank_pattern", "lora_alpha",
        "use_rslora",
        "target_modules", "exclude_modules", "layers_to_transform", "layers_pattern", "modules_to_save",
        "init_lora_weights", "bias",
    ]
    /// The fields that change nothing of what trained adapters compute: notes, how they are trained and how they began.
    private static let ignored: Set = [
        "auto_mapping", "peft_version", "inference_mode", "lora_dropout", "fan_in_fan_out", "megatron_core",
        "qalora_group_size",
        "runtime_config", "eva_config", "loftq_config",
    ]
    /// The ways to begin that leave the base model's weights as they are; others take their beginning out of these.
    private static let beginnings: Set = ["gaussian", "eva", "orthogonal"]

    /// Reads the file and refuses what is not known.
    ///
    /// - Throws: ``TransformersError`` for adapters of another kind than LoRA, and for fields that change what they compute and are not
    ///   known; `FileError` or `JSONError` where the file cannot be read.
    init(_ file: URL) throws {
        path = file.plainPath
        guard let fields = try JSONValue.load(contentsOf: file, dialect: .python).objectValue else {
            throw TransformersError("\(path): is no JSON object")
        }
        self.fields = fields
        guard let kind = fields["peft_type"]?.stringValue, kind == "LORA" else {
            throw refusal(
                "peft_type", "is \(fields["peft_type"].map(Self.written) ?? "missing"), only LORA is read")
        }
        try refuseOthers()
        for name in ["inference_mode", "fan_in_fan_out"] { _ = try flag(name) }
    }

    private func refuseOthers() throws {
        for name in fields.keys.sorted() where !Self.read.contains(name) && !Self.ignored.contains(name) {
            guard let value = fields[name], !Self.isUnset(value) else { continue }
            throw refusal(name, "is \(Self.written(value)), which is not read")
        }
        if let value = fields["init_lora_weights"], !value.isNull, value.boolValue == nil {
            guard let name = value.stringValue, Self.beginnings.contains(name.lowercased()) else {
                throw refusal(
                    "init_lora_weights",
                    "is \(Self.written(value)), which changes the weights of the base model in ways that are not read"
                )
            }
        }
        if let value = fields["bias"], !value.isNull {
            guard let name = value.stringValue, ["none", "all", "lora_only"].contains(name) else {
                throw wrong("bias", "none, all or lora_only")
            }
        }
    }

    private static func isUnset(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .string(let text): text.isEmpty
        default: value.arrayValue?.isEmpty == true || value.objectValue?.isEmpty == true
        }
    }

    /// A value as it is written, cut where it is long.
    private static func written(_ value: JSONValue) -> String {
        let text = value.serialized()
        return text.count > 60 ? String(text.prefix(60)) + "…" : text
    }

    // MARK: - Errors

    /// The error of a field that is right for PEFT and not read here.
    private func refusal(_ name: String, _ why: String) -> TransformersError {
        TransformersError(
            "\(path): \(name) \(why); merge the adapters with PEFT (merge_and_unload) and give the merged model"
        )
    }

    /// The error of a field that is not what PEFT writes.
    func wrong(_ name: String, _ rule: String) -> TransformersError {
        TransformersError(
            "\(path): \(name) must be \(rule), not \(fields[name].map(Self.written) ?? "missing"); write it as PEFT does"
        )
    }

    // MARK: - Values

    /// The value of a field; `nil` where it is missing or null.
    private func value(_ name: String) -> JSONValue? {
        guard let value = fields[name], !value.isNull else { return Optional.none }
        return value
    }

    /// A truth value, false where there is none.
    func flag(_ name: String) throws -> Bool {
        guard let value = value(name) else { return false }
        guard let flag = value.boolValue else { throw wrong(name, "true or false") }
        return flag
    }

    /// A text; `nil` where there is none.
    func text(_ name: String) throws -> String? {
        guard let value = value(name) else { return nil }
        guard let text = value.stringValue else { throw wrong(name, "a text") }
        return text
    }

    /// A finite number.
    func number(_ name: String) throws -> Double {
        guard let number = value(name)?.doubleValue, number.isFinite else {
            throw wrong(name, "a finite number")
        }
        return number
    }

    /// A whole number above 0.
    func count(_ name: String) throws -> Int {
        guard let count = value(name)?.intValue, count > 0 else {
            throw wrong(name, "a whole number above 0")
        }
        return count
    }

    /// Whole numbers above 0 by name, in their order; none where there are none.
    func counts(_ name: String) throws -> [(name: String, count: Int)] {
        guard let value = value(name) else { return [] }
        guard let object = value.objectValue else { throw wrong(name, "an object of whole numbers above 0") }
        return try object.keys.map { key in
            guard let count = object[key]?.intValue, count > 0 else {
                throw wrong(name, "an object of whole numbers above 0")
            }
            return (key, count)
        }
    }

    /// Whole numbers of a list, or one alone; `nil` where there are none.
    func indices(_ name: String) throws -> [Int]? {
        guard let value = value(name) else { return nil }
        let all = (value.arrayValue ?? [value]).map(\.intValue)
        guard !all.contains(nil) else { throw wrong(name, "whole numbers") }
        return all.isEmpty ? nil : all.compactMap(\.self)
    }

    /// Names of modules.
    func modules(_ name: String) throws -> AdapterModules? {
        guard let value = value(name) else { return nil }
        if let text = value.stringValue { return AdapterModules(text) }
        guard let names = value.arrayValue?.map(\.stringValue), !names.contains(nil) else {
            throw wrong(name, "a list of names, or a text")
        }
        return .names(names.compactMap(\.self))
    }
}

/// The modules that a field names.
enum AdapterModules: Equatable {
    /// All linear layers but the output layer.
    case linear
    /// Those of these names, and those whose names end with one of them.
    case names([String])
    /// Those whose names a regular expression of Python matches, which is not evaluated.
    case pattern(String)

    init(_ text: String) { self = text == LoRAOptions.allLinear ? .linear : .pattern(text) }

    /// Returns true if a name is that of a module, or the end of it.
    static func isName(_ name: String, of module: String) -> Bool {
        module == name || module.hasSuffix("." + name)
    }
}
