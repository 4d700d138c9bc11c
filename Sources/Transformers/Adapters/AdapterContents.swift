import Architectures
import Safetensors
import Torch

/// The tensors of a file of adapters, each with its place in the model, all of which is checked before anything is read.
struct AdapterContents {
    /// The adapter of a linear layer.
    struct Pair {
        let layer: ParameterStore.LinearLayer
        /// The tensors' names in the file.
        let a: String
        let b: String
    }

    private(set) var pairs: [Pair] = []
    /// Parameters that are in the file whole, with their names there.
    private(set) var whole: [(parameter: Tensor, stored: String)] = []
    /// The names of those parameters in the model.
    private var wholeNames: Set<String> = []
    private let weights: SafetensorsCheckpoint
    private let model: TransformerModel
    private let configuration: AdapterConfiguration
    private let path: String

    private static let (a, b) = (".lora_A.weight", ".lora_B.weight")
    /// The ends of the names of embeddings and output layers, by what transformers calls them.
    private static let vocabularyModules: Set = [
        "embed_tokens", "lm_head", "embed_out", "wte", "wpe", "word_embeddings", "position_embeddings",
        "token_type_embeddings", "tok_embeddings",
    ]

    /// Finds the place of every tensor.
    ///
    /// - Parameters:
    ///   - weights: The file.
    ///   - model: The base model.
    ///   - configuration: What the adapters are.
    ///   - path: The file's path.
    /// - Throws: ``TransformersError``, which names the tensor or the module, where a tensor has no place, a module that must have an
    ///   adapter has none, or shapes do not fit.
    init(
        _ weights: SafetensorsCheckpoint, of model: TransformerModel, _ configuration: AdapterConfiguration,
        path: String
    ) throws {
        (self.weights, self.model, self.configuration, self.path) = (weights, model, configuration, path)
        let layers = Dictionary(
            model.parameters.linearLayers.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        guard !weights.names.isEmpty else {
            throw error("holds no tensor; save the adapters again, with PEFT's save_pretrained")
        }
        for stored in weights.names.sorted() { try add(stored, layers) }
        for pair in pairs { try check(pair) }
        let adapted = Set(pairs.map(\.layer.name))
        try checkAdapters(adapted)
        try checkWhole(adapted)
    }

    /// The name of a language model's output layer where it has the embedding's weights, which is no linear layer of the model then.
    private var tiedOutput: String? {
        guard model.configuration.headKind == .causalLanguageModel else { return nil }
        let output = model.configuration.family.layout.head(.causalLanguageModel).classifier
        return model.parameters[output + ".weight"] == nil ? output : nil
    }

    /// Checks that every module that must have an adapter has one.
    private func checkAdapters(_ adapted: Set<String>) throws {
        let head = LowRankAdapters.head(of: model.configuration)
        var modules = model.parameters.linearLayers.map { layer in
            (name: layer.name, isHead: LowRankAdapters.isHead(layer.name, head))
        }
        // Dense layers behind the encoder are none of the class whose adapters PEFT saves.
        if model.configuration.headKind == .embedding { modules.removeAll { $0.isHead } }
        if let output = tiedOutput { modules.append((name: output, isHead: true)) }
        for (module, isHead) in modules where !adapted.contains(module) {
            // A head may be in the file whole where modules_to_save does not say so.
            let isSaved = isHead && wholeNames.contains(module + ".weight")
            guard !isSaved, configuration.requires(module, isHead: isHead) else { continue }
            throw error(
                "has no adapter of '\(module)', which is one of target_modules (\(configuration.path)); give both files of one training"
            )
        }
    }

    /// Checks that every module of the model that `modules_to_save` names is there whole.
    private func checkWhole(_ adapted: Set<String>) throws {
        var names: [String] = []
        for entry in model.parameters.entries where !entry.isAuxiliary { names.append(entry.name) }
        if let output = tiedOutput { names.append(output + ".weight") }
        for module in configuration.whole {
            for name in names
            where AdapterConfiguration.isPart(name, of: module) && !wholeNames.contains(name) {
                let layer = name.split(separator: ".").dropLast().joined(separator: ".")
                if adapted.contains(layer) { continue }
                throw error(
                    "has no tensor '\(AdapterWriter.prefix)\(name)', though modules_to_save (\(configuration.path)) names \(module); "
                        + "give both files of one training")
            }
        }
    }

    /// Finds the place of a tensor.
    private mutating func add(_ stored: String, _ layers: [String: ParameterStore.LinearLayer]) throws {
        guard stored.hasPrefix(AdapterWriter.prefix) else { throw unknown(stored) }
        let layout = model.configuration.family.layout
        let name = layout.parameterName(String(stored.dropFirst(AdapterWriter.prefix.count)))
        for (own, other) in [(Self.a, Self.b), (Self.b, Self.a)] where name.hasSuffix(own) {
            let module = String(name.dropLast(own.count))
            guard let layer = layers[module] else { throw unknown(stored) }
            let partner = String(stored.dropLast(own.count)) + other
            guard weights.info(partner) != nil else {
                throw error(
                    "of the adapter of '\(module)' the tensor '\(partner)' is missing beside '\(stored)'; save the adapters again, with "
                        + "PEFT's save_pretrained")
            }
            if own == Self.a { pairs.append(Pair(layer: layer, a: stored, b: partner)) }
            return
        }
        guard let parameter = model.parameters[name], !isTied(name) else { throw unknown(stored) }
        let shape = weights.info(stored)?.shape ?? []
        guard shape == parameter.shape else {
            throw error(
                "the tensor '\(stored)' has the shape \(shape), but '\(name)' of the base model \(model.configuration.source) has "
                    + "\(parameter.shape); \(Self.remedy)")
        }
        whole.append((parameter, stored))
        wholeNames.insert(name)
    }

    /// Returns true for an embedding that was trained whole, where the base's output layer has the same weights: PEFT trains one of both.
    private func isTied(_ name: String) -> Bool {
        guard model.configuration.headKind == .causalLanguageModel else { return false }
        let output = model.configuration.family.layout.head(.causalLanguageModel).classifier + ".weight"
        let module = Self.module(of: name)
        return model.parameters[output] == nil && Self.vocabularyModules.contains(module)
            && configuration.whole.contains { AdapterModules.isName(module, of: $0) }
    }

    /// Checks that a layer may have an adapter, and the adapter's shapes.
    private func check(_ pair: Pair) throws {
        let module = pair.layer.name
        if let refusal = configuration.refusal(of: module) {
            throw error(
                "holds an adapter of '\(module)', which \(refusal); give both files of one training")
        }
        let shape = pair.layer.weight.shape
        let (outputs, inputs) = pair.layer.isTransposed ? (shape[1], shape[0]) : (shape[0], shape[1])
        let (a, b) = (weights.info(pair.a)?.shape ?? [], weights.info(pair.b)?.shape ?? [])
        let ranks = configuration.ranks(of: module)
        guard ranks.contains(where: { a == [$0, inputs] && b == [outputs, $0] }) else {
            let rank = ranks[0]
            throw error(
                "the adapter of '\(module)' has the shapes \(a) (lora_A) and \(b) (lora_B), but with r = \(rank) (\(configuration.path)) "
                    + "that layer of the base model \(model.configuration.source) takes \([rank, inputs]) and \([outputs, rank]); "
                    + Self.remedy)
        }
    }

    // MARK: - Errors

    private static let remedy =
        "give r the adapters' rank, and base_model_name_or_path the model that they were trained on"

    private func error(_ what: String) -> TransformersError { TransformersError("\(path): \(what)") }

    /// The last part of the name of a tensor's module.
    private static func module(of name: String) -> String {
        let parts = name.split(separator: ".").map(String.init)
        let end = parts.firstIndex { $0.hasPrefix("lora_") || $0 == "base_layer" } ?? parts.count - 1
        return end > 0 ? parts[end - 1] : ""
    }

    /// The error of a tensor without a place.
    private func unknown(_ stored: String) -> TransformersError {
        if Self.vocabularyModules.contains(Self.module(of: stored)) {
            return error(
                "the tensor '\(stored)' is of the embeddings or the output layer (target_modules or modules_to_save), whose adapters and "
                    + "copies are not read here; merge the adapters with PEFT (merge_and_unload) and give the merged model"
            )
        }
        if stored.contains(".base_layer.") {
            return error(
                "the tensor '\(stored)' is of an adapted layer itself, trained beside its adapter (bias in \(configuration.path)), which is "
                    + "not read; merge the adapters with PEFT (merge_and_unload) and give the merged model")
        }
        return error(
            "the tensor '\(stored)' is no adapter or parameter of the base model \(model.configuration.source); give "
                + "base_model_name_or_path in \(AdapterWriter.configurationName) the model that these adapters were trained on"
        )
    }
}
