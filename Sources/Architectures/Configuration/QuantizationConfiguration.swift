import JSON

/// The quantization of a saved model's weights: `quantization_config` in the convention of
/// compressed-tensors, format `int-quantized`, with 8 bits.
///
/// A quantized layer `X` has `X.weight` in int8 and `X.weight_scale`; where activations have fixed scales,
/// also `X.input_scale` and `X.input_zero_point`. The tensors' types determine which layers are quantized.
public struct QuantizationConfiguration: Sendable, Equatable {
    public enum Activations: String, Sendable, Codable, CaseIterable {
        /// Dynamic: a scale for each token, computed at inference time.
        case perToken = "dynamic-token"
        /// Dynamic: a scale for each batch, computed at inference time.
        case perTensor = "dynamic-tensor"
        /// Static: a scale for each layer, determined by calibration.
        case fixed = "static"

        /// Reads `input_activations` of a group; `nil` for scales of another kind.
        init?(_ inputs: JSONObject) {
            switch (inputs["dynamic"]?.boolValue, inputs["strategy"]?.stringValue) {
            case (true, "token"): self = .perToken
            case (true, "tensor"): self = .perTensor
            case (true, _): return nil
            default: self = .fixed
            }
        }
    }

    public var activations: Activations
    /// True if embedding tables are quantized too.
    public var embeddings: Bool
    /// Linear layers and embedding tables that stay in floating point, by their full names.
    public var ignored: [String]

    public init(activations: Activations, embeddings: Bool, ignored: [String]) {
        self.activations = activations
        self.embeddings = embeddings
        self.ignored = ignored
    }

    /// Returns the value that is written to `config.json`.
    public func json() -> JSONValue {
        let weights: JSONValue = [
            "num_bits": 8, "type": "int", "symmetric": true, "strategy": "channel", "dynamic": false,
        ]
        let inputs: JSONValue = [
            "num_bits": 8, "type": "int", "symmetric": .bool(activations != .fixed),
            "strategy": activations == .perToken ? "token" : "tensor",
            "dynamic": .bool(activations != .fixed),
        ]
        var groups = JSONObject([
            (
                "group_0",
                ["targets": ["Linear"], "weights": weights, "input_activations": inputs] as JSONValue
            )
        ])
        if embeddings {
            groups["group_1"] = ["targets": ["Embedding"], "weights": weights, "input_activations": .null]
        }
        return [
            "quant_method": "compressed-tensors", "format": "int-quantized",
            "quantization_status": "compressed", "config_groups": .object(groups),
            "ignore": .array(ignored.map(JSONValue.string)),
        ]
    }

    /// Reads the field of a configuration; `nil` where it has none.
    ///
    /// - Throws: ``ArchitectureError`` for a method or format that is not supported.
    init?(_ reader: ConfigurationReader) throws {
        let key = "quantization_config"
        guard let value = reader.optional(key) else { return nil }
        func unsupported(_ what: String) -> ArchitectureError {
            reader.error(
                "\"\(key)\" \(what); int8 weights as `distill quantize` writes them are supported, so use such a model or "
                    + "one in floating point")
        }
        guard let object = value.objectValue else { throw unsupported("must be an object") }
        guard object["quant_method"]?.stringValue == "compressed-tensors",
            object["format"]?.stringValue == "int-quantized"
        else {
            let method = object["quant_method"]?.stringValue ?? "none"
            let format = object["format"]?.stringValue ?? "none"
            throw unsupported("has the method '\(method)', format '\(format)'")
        }
        guard let groups = object["config_groups"]?.objectValue, !groups.isEmpty else {
            throw unsupported("has no config_groups")
        }
        (activations, embeddings) = (.perToken, false)
        for (name, group) in groups {
            guard let weights = group.objectValue?["weights"]?.objectValue,
                weights["num_bits"]?.intValue == 8, weights["type"]?.stringValue == "int",
                weights["symmetric"]?.boolValue == true, weights["strategy"]?.stringValue == "channel"
            else { throw unsupported("has weights in '\(name)' that are not symmetric int8 by channel") }
            let targets = group.objectValue?["targets"]?.arrayValue?.compactMap(\.stringValue) ?? []
            if targets == ["Embedding"] {
                embeddings = true
            } else if let inputs = group.objectValue?["input_activations"]?.objectValue {
                guard inputs["num_bits"]?.intValue == 8, inputs["type"]?.stringValue == "int" else {
                    throw unsupported("has activations in '\(name)' that are not int8")
                }
                guard let scheme = Activations(inputs) else {
                    throw unsupported(
                        "has activations in '\(name)' whose scale is neither a token's nor a tensor's")
                }
                activations = scheme
            } else {
                throw unsupported("has no int8 activations in '\(name)'")
            }
        }
        ignored = object["ignore"]?.arrayValue?.compactMap(\.stringValue) ?? []
    }
}
