import JSON
import Storage

extension SentenceTransformer {
    /// Reads the files of a sentence-transformers directory.
    ///
    /// - Parameter directory: The directory, with `modules.json`.
    /// - Throws: ``ArchitectureError`` for a module that is not known, or is not where it belongs; `JSONError` or `FileError` for a
    ///   file that cannot be read.
    public init(contentsOf directory: some FileLocation) throws {
        path = directory.plainPath
        let file = directory.entry(Self.fileName)
        guard file.fileExists else {
            throw ArchitectureError(
                "\(path): has no \(Self.fileName); give a directory that sentence-transformers has saved")
        }
        guard let modules = try JSONValue.load(contentsOf: file, dialect: .python).arrayValue else {
            throw ArchitectureError("\(file): must be a list of modules; save the model again")
        }
        var source: Source?
        var stages: [Stage] = []
        for (number, value) in modules.enumerated() {
            let module = try Module(value, number: number, file: file, directory: path)
            switch module.kind {
            case "Transformer" where source == nil: source = .encoder(module.path)
            case "StaticEmbedding" where source == nil: source = .table(module.path)
            case "Pooling" where source != nil: stages.append(try module.pooling())
            case "Dense" where source != nil: stages.append(.dense(try module.dense()))
            case "Normalize" where source != nil: stages.append(.normalize)
            // Does nothing but in training.
            case "Dropout" where source != nil: break
            case "Transformer", "StaticEmbedding", "Pooling", "Dense", "Normalize", "Dropout":
                throw module.error("is not where it belongs: an encoder or a table comes first, and once")
            default:
                throw module.error(
                    "is not known here: Transformer or StaticEmbedding, Pooling, Dense, Normalize and Dropout are"
                )
            }
        }
        guard let source else { throw ArchitectureError("\(file): lists no module; save the model again") }
        (self.source, self.stages) = (source, stages)
        (maxLength, lowercases, prompts, defaultPrompt) = (nil, false, [:], nil)
        try requireOrder(file)
        try readLength()
        try readPrompts()
    }

    /// - Throws: ``ArchitectureError`` where vectors do not become one, or widths do not fit.
    private func requireOrder(_ file: String) throws {
        var width: Int?
        var isPooled = false
        if case .table = source { isPooled = true }
        for stage in stages {
            switch stage {
            case .pooling(let modes, let tokens, _):
                guard !isPooled else {
                    throw ArchitectureError(
                        "\(file): pools vectors that are one already; leave the second Pooling out")
                }
                (isPooled, width) = (true, modes.count * tokens)
            case .dense(let dense):
                guard isPooled else {
                    throw ArchitectureError(
                        "\(file): has a Dense before the Pooling, which is not computed here; put it behind")
                }
                if let width, dense.inputs != width {
                    throw ArchitectureError(
                        "\(dense.path)/config.json: in_features is \(dense.inputs), but the vectors have \(width) components; "
                            + "use the modules that belong together")
                }
                width = dense.outputs
            case .normalize: break
            }
        }
        guard isPooled else {
            throw ArchitectureError(
                "\(file): has no Pooling, so that a text has a vector for each token; add one (1_Pooling/config.json)"
            )
        }
    }

    private mutating func readLength() throws {
        guard case .encoder(let directory) = source else { return }
        // As sentence-transformers looks for them, for the names of its first years.
        let names = ["bert", "roberta", "distilbert", "camembert", "albert", "xlm-roberta", "xlnet"]
        let file = names.map { directory.entry("sentence_\($0)_config.json") }.first { $0.fileExists }
        guard let file else { return }
        let json = try object(file)
        if let value = json["max_seq_length"], !value.isNull {
            guard let length = value.intValue, length >= 3 else {
                throw ArchitectureError("\(file): max_seq_length must be a number of at least 3, or null")
            }
            maxLength = length
        }
        lowercases = try json.truth("do_lower_case", in: file) ?? false
    }

    private mutating func readPrompts() throws {
        let file = path.entry("config_sentence_transformers.json")
        guard file.fileExists else { return }
        let json = try object(file)
        if let all = json["prompts"], !all.isNull, all.objectValue == nil {
            throw ArchitectureError(
                "\(file): prompts must be an object of names and texts, not \(all.typeName)")
        }
        for (name, value) in json["prompts"]?.objectValue ?? JSONObject() {
            guard let text = value.stringValue else {
                // Of no prompt.
                if value.isNull { continue }
                throw ArchitectureError("\(file): the prompt '\(name)' must be a text")
            }
            prompts[name] = text
        }
        similarityName = try json.text("similarity_fn_name", in: file)
        defaultPrompt = try json.text("default_prompt_name", in: file)
        if let name = defaultPrompt, prompts[name] == nil {
            throw ArchitectureError(
                "\(file): default_prompt_name is '\(name)', which is none of the prompts; correct one of them"
            )
        }
    }

    private func object(_ file: String) throws -> JSONObject {
        let value = try JSONValue.load(contentsOf: file, dialect: .python)
        guard let object = value.objectValue else {
            throw ArchitectureError("\(file): must be a JSON object, not \(value.typeName)")
        }
        return object
    }
}

/// An entry of `modules.json`.
private struct Module {
    /// The last part of its type, which has had several names.
    let kind: String
    /// Its directory.
    let path: String
    private let type: String
    private let file: String

    init(_ value: JSONValue, number: Int, file: String, directory: String) throws {
        guard let object = value.objectValue, let type = object["type"]?.stringValue,
            let place = object["path"]?.stringValue
        else {
            throw ArchitectureError(
                "\(file): entry \(number + 1) must be an object with \"type\" and \"path\"; save the model again"
            )
        }
        // Names come from a file: they must not lead elsewhere.
        guard !place.hasPrefix("/"), !place.split(separator: "/").contains("..") else {
            throw ArchitectureError(
                "\(file): entry \(number + 1) has the path '\(place)', which leads out of the directory")
        }
        self.type = type
        self.file = file
        kind = type.split(separator: ".").last.map(String.init) ?? type
        path = place.isEmpty ? directory : directory.entry(place)
    }

    func error(_ problem: String) -> ArchitectureError {
        ArchitectureError("\(file): the module \(type) \(problem)")
    }

    private func config() throws -> (json: JSONObject, file: String) {
        let file = path.entry("config.json")
        guard file.fileExists else {
            throw ArchitectureError("\(file): is missing; copy the whole directory of the model")
        }
        let value = try JSONValue.load(contentsOf: file, dialect: .python)
        guard let object = value.objectValue else {
            throw ArchitectureError("\(file): must be a JSON object, not \(value.typeName)")
        }
        return (object, file)
    }

    private func size(_ json: JSONObject, _ keys: String..., file: String) throws -> Int {
        let value = keys.compactMap { json[$0] }.first?.intValue
        guard let value, (1...1 << 20).contains(value) else {
            throw ArchitectureError("\(file): \(keys[0]) must be a number from 1 to \(1 << 20)")
        }
        return value
    }

    func pooling() throws -> SentenceTransformer.Stage {
        let (json, file) = try config()
        let width = try size(json, "embedding_dimension", "word_embedding_dimension", file: file)
        var modes: [PoolingMode]
        if let value = json["pooling_mode"], !value.isNull {
            modes = try (value.arrayValue ?? [value]).map { try mode($0, file) }
            guard !modes.isEmpty else {
                throw ArchitectureError("\(file): pooling_mode must be a name, or a list of names")
            }
        } else {
            modes = try PoolingMode.allCases.filter { try json.truth($0.oldKey, in: file) == true }
            let known = Set(PoolingMode.allCases.map(\.oldKey))
            for key in json.keys where key.hasPrefix("pooling_mode_") && !known.contains(key) {
                guard try json.truth(key, in: file) == true else { continue }
                throw ArchitectureError(
                    "\(file): \(key) is not computed here; \(known.sorted().joined(separator: ", ")) are")
            }
            if modes.isEmpty { modes = [.mean] }
        }
        return .pooling(
            modes, width: width, includesPrompt: try json.truth("include_prompt", in: file) ?? true)
    }

    private func mode(_ value: JSONValue, _ file: String) throws -> PoolingMode {
        guard let name = value.stringValue else {
            throw ArchitectureError(
                "\(file): pooling_mode must be a name, or a list of names, got \(value.typeName)")
        }
        guard let mode = PoolingMode(rawValue: name) else {
            let all = PoolingMode.allCases.map(\.rawValue).joined(separator: ", ")
            throw ArchitectureError("\(file): pooling_mode '\(name)' is none of \(all)")
        }
        return mode
    }

    func dense() throws -> SentenceTransformer.Dense {
        let (json, file) = try config()
        for (key, value) in [
            ("module_input_name", "sentence_embedding"), ("module_output_name", "sentence_embedding"),
        ] {
            if let name = try json.text(key, in: file), name != value {
                throw ArchitectureError("\(file): \(key) is '\(name)'; only '\(value)' is computed here")
            }
        }
        if try json.truth("use_residual", in: file) == true {
            throw ArchitectureError("\(file): use_residual is not computed here")
        }
        var activation: ActivationName?
        // Without one it is the hyperbolic tangent.
        let name = try json.text("activation_function", in: file) ?? "torch.nn.modules.activation.Tanh"
        switch name.split(separator: ".").last {
        case "Identity": break
        case "Tanh": activation = .tanh
        case "Sigmoid": activation = .sigmoid
        case "ReLU": activation = .relu
        case "GELU": activation = .gelu
        case "SiLU": activation = .silu
        default:
            throw ArchitectureError(
                "\(file): activation_function '\(name)' is none of Identity, Tanh, Sigmoid, ReLU, GELU and SiLU"
            )
        }
        return .init(
            inputs: try size(json, "in_features", file: file),
            outputs: try size(json, "out_features", file: file),
            hasBias: try json.truth("bias", in: file) ?? true, activation: activation, path: path)
    }
}

extension JSONObject {
    /// The truth value of a key; `nil` where the key is missing or null.
    ///
    /// - Throws: ``ArchitectureError`` that names file and key for a value of another type.
    fileprivate func truth(_ key: String, in file: String) throws -> Bool? {
        guard let value = self[key], !value.isNull else { return nil }
        guard let truth = value.boolValue else {
            throw ArchitectureError("\(file): \(key) must be true or false, not \(value.typeName)")
        }
        return truth
    }

    /// The text of a key; `nil` where the key is missing or null.
    ///
    /// - Throws: ``ArchitectureError`` that names file and key for a value of another type.
    fileprivate func text(_ key: String, in file: String) throws -> String? {
        guard let value = self[key], !value.isNull else { return nil }
        guard let text = value.stringValue else {
            throw ArchitectureError("\(file): \(key) must be a text, not \(value.typeName)")
        }
        return text
    }
}
