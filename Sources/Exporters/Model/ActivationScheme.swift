import JSON

/// How the inputs of quantised linear layers become int8 while the model runs.
enum ActivationScheme: Equatable, Sendable {
    /// Each token by its own largest absolute value.
    case perToken
    /// All tokens of a batch by one scale.
    case perTensor
    /// By a scale and a zero point that were measured on calibration data.
    case fixed
    /// Not at all: the weights alone are int8.
    case weightsOnly
}

/// `quantization_config` of a `config.json`, in the convention of the compressed-tensors library.
struct QuantizationFields {
    private let fields: ConfigurationFields
    private let object: JSONObject?

    init(_ fields: ConfigurationFields) throws {
        self.fields = fields
        guard let value = fields.optional("quantization_config") else {
            object = nil
            return
        }
        guard let object = value.objectValue else {
            throw fields.error("quantization_config", "must be an object", value)
        }
        self.object = object
        let (method, format) = (object["quant_method"], object["format"])
        guard method == "compressed-tensors", format == nil || format == "int-quantized" else {
            throw ExportError(
                "\(fields.file): \"quantization_config\" is \(method?.serialized() ?? "of no method") in the format "
                    + "\(format?.serialized() ?? "null"); only \"compressed-tensors\" in \"int-quantized\" is known"
            )
        }
    }

    /// What the group of linear layers says; `nil` where there is none.
    ///
    /// - Throws: ``ExportError`` for what cannot be expressed in int8 with one scale.
    func activationScheme() throws -> ActivationScheme? {
        guard let object else { return nil }
        let groups = (object["config_groups"]?.objectValue?.values ?? []).compactMap(\.objectValue)
        let isLinear: (JSONObject) -> Bool = { $0["targets"]?.arrayValue?.contains("Linear") == true }
        guard let group = groups.first(where: isLinear) else { return nil }
        guard let value = group["input_activations"], !value.isNull else { return .weightsOnly }
        guard let activations = value.objectValue else {
            throw error("input_activations", "must be an object or null", value)
        }
        guard activations["num_bits"]?.intValue ?? 8 == 8, activations["type"]?.stringValue ?? "int" == "int"
        else { throw error("input_activations", "must be 8 bits of type int", value) }
        guard activations["dynamic"]?.boolValue == true else { return .fixed }
        switch activations["strategy"]?.stringValue {
        case "token": return .perToken
        case "tensor": return .perTensor
        default: throw error("strategy", "must be \"token\" or \"tensor\"", activations["strategy"] ?? nil)
        }
    }

    private func error(_ key: String, _ rule: String, _ value: JSONValue) -> ExportError {
        ConfigurationFields(fields.object, file: fields.file).error(
            "quantization_config: \(key)", rule, value)
    }
}
