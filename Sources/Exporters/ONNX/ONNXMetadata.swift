import Architectures
import Files
import Foundation
import JSON

/// The metadata that a program needs besides the graph: `metadata_props`.
enum ONNXMetadata {
    /// Returns keys and values; a structured value is JSON.
    ///
    /// - Throws: `FileError` where the weights cannot be read; `JSONError` where a tokenizer file is damaged.
    static func entries(
        _ model: ExportableModel, _ dtype: ExportDType, maxLength: Int? = nil
    ) throws -> [(key: String, value: String)] {
        let configuration = model.configuration
        let names = JSONObject(configuration.labelNames.enumerated().map { (String($0), .string($1)) })
        var entries: [(key: String, value: String)] = [
            ("model_type", configuration.modelType),
            ("problem_type", configuration.task.rawValue),
            ("id2label", JSONValue.object(names).serialized()),
            ("dtype", dtype.rawValue),
            (
                "tokenizer",
                JSONValue.object(try TokenizerFields.summary(model, maxLength: maxLength)).serialized()
            ),
            ("source_sha256", JSONValue.object(try model.weightDigests()).serialized()),
        ]
        if dtype == .int8, let quantization = configuration.original["quantization_config"] {
            entries.append(("quantization_config", quantization.serialized()))
        }
        return entries
    }
}

/// The tokenizer's settings, as far as the files beside a model contain them.
enum TokenizerFields {
    /// `max_length`, `do_lower_case`, `pad_token_id`, and each special token with its id, such as `"cls_token": "[CLS]"`
    /// and `"cls_token_id": 101`.
    ///
    /// - Parameter maxLength: The number of tokens that texts are truncated to; `nil` for the tokenizer's.
    static func summary(_ model: ExportableModel, maxLength: Int? = nil) throws -> JSONObject {
        func file(_ name: String) throws -> JSONObject {
            let url = model.directory.appending(path: name)
            guard FileManager.default.fileExists(atPath: url.plainPath) else { return [:] }
            return try JSONValue.load(contentsOf: url).objectValue ?? [:]
        }
        let configuration = try file("tokenizer_config.json")
        let special = try file("special_tokens_map.json")
        let tokenizer = try file("tokenizer.json")
        let normalizer = tokenizer["normalizer"]?.objectValue
        var ids = JSONObject()
        for token in tokenizer["added_tokens"]?.arrayValue ?? [] {
            guard let object = token.objectValue, let content = object["content"]?.stringValue else {
                continue
            }
            ids[content] = object["id"]
        }

        var summary = JSONObject()
        let positions = model.configuration.maxLength
        // Python writes "no limit" as 1e30.
        let limit = maxLength.map(Double.init) ?? configuration["model_max_length"]?.doubleValue ?? .infinity
        summary["max_length"] = .integer(limit >= 1 ? Int(min(limit, Double(positions))) : positions)
        if let lower = configuration["do_lower_case"]?.boolValue ?? normalizer?["lowercase"]?.boolValue {
            summary["do_lower_case"] = .bool(lower)
        }
        for key in ["unk_token", "cls_token", "sep_token", "pad_token", "mask_token"] {
            let value = configuration[key] ?? special[key]
            guard let text = value?.stringValue ?? value?.objectValue?["content"]?.stringValue else {
                continue
            }
            summary[key] = .string(text)
            summary[key + "_id"] = ids[text]
        }
        if summary["pad_token_id"] == nil {
            summary["pad_token_id"] = .integer(model.configuration.padTokenId)
        }
        return summary
    }
}
