import JSON
import Storage

extension SentenceTransformer {
    /// The modules behind the encoder with their directories: `1_Pooling`, `2_Dense`, `3_Normalize`.
    package var modules: [(stage: Stage, name: String)] {
        stages.enumerated().map { index, stage in
            switch stage {
            case .pooling: (stage, "\(index + 1)_Pooling")
            case .dense: (stage, "\(index + 1)_Dense")
            case .normalize: (stage, "\(index + 1)_Normalize")
            }
        }
    }

    /// The files that describe the modules, by their paths in the directory, for an encoder that lies at its root.
    ///
    /// Names and keys are those of sentence-transformers before 5.4, which newer versions read too: other programs, such as
    /// text-embeddings-inference, know them alone.
    package var files: [(path: String, json: JSONValue)] {
        var list: [JSONValue] = [
            isTable
                ? Self.module(0, "StaticEmbedding", path: ".") : Self.module(0, "Transformer", path: "")
        ]
        var files: [(path: String, json: JSONValue)] = []
        for (index, module) in modules.enumerated() {
            switch module.stage {
            case .pooling(let modes, let width, let includesPrompt):
                list.append(Self.module(index + 1, "Pooling", path: module.name))
                var json: JSONObject = ["word_embedding_dimension": .integer(width)]
                for mode in PoolingMode.allCases { json[mode.oldKey] = .bool(modes.contains(mode)) }
                // The older form has no order.
                if modes != PoolingMode.allCases.filter(modes.contains) {
                    json["pooling_mode"] = .array(modes.map { .string($0.rawValue) })
                }
                json["include_prompt"] = .bool(includesPrompt)
                files.append(("\(module.name)/config.json", .object(json)))
            case .dense(let dense):
                list.append(Self.module(index + 1, "Dense", path: module.name))
                files.append(
                    (
                        "\(module.name)/config.json",
                        [
                            "in_features": .integer(dense.inputs), "out_features": .integer(dense.outputs),
                            "bias": .bool(dense.hasBias),
                            "activation_function": .string(Self.activation(dense.activation)),
                        ]
                    ))
            case .normalize: list.append(Self.module(index + 1, "Normalize", path: module.name))
            }
        }
        files.append((Self.fileName, .array(list)))
        // A table reads all of a text.
        if !isTable {
            files.append(
                (
                    "sentence_bert_config.json",
                    [
                        "max_seq_length": maxLength.map(JSONValue.integer) ?? .null,
                        "do_lower_case": .bool(lowercases),
                    ]
                ))
        }
        files.append(
            (
                "config_sentence_transformers.json",
                [
                    "prompts": .object(
                        JSONObject(prompts.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) })),
                    "default_prompt_name": defaultPrompt.map(JSONValue.string) ?? .null,
                    "similarity_fn_name": .string(similarityName ?? "cosine"),
                ]
            ))
        return files
    }

    private static func module(_ index: Int, _ kind: String, path: String) -> JSONValue {
        [
            "idx": .integer(index), "name": .string(String(index)), "path": .string(path),
            "type": .string("sentence_transformers.models.\(kind)"),
        ]
    }

    private static func activation(_ name: ActivationName?) -> String {
        let parts = "torch.nn.modules"
        return switch name {
        case nil: "\(parts).linear.Identity"
        case .tanh: "\(parts).activation.Tanh"
        case .sigmoid: "\(parts).activation.Sigmoid"
        case .relu: "\(parts).activation.ReLU"
        case .silu, .swish: "\(parts).activation.SiLU"
        default: "\(parts).activation.GELU"
        }
    }
}
