import Architectures
import Torch

/// The low-rank adapters of a model, and all that is trained beside them: the head, where it is a task's own.
public final class LowRankAdapters {
    public let options: LoRAOptions
    /// The adapters, in the order of the model's layers.
    public let layers: [LowRankAdapter]
    /// What is trained: `<layer>.lora_A.weight`, `<layer>.lora_B.weight`, and the head's parameters under their own names.
    public let parameters = ParameterStore()
    /// The head's parameters, which are trained whole.
    public let whole: [ParameterStore.Entry]
    let dropout: LowRankDropout?

    /// Freezes a model but for the adapters that it gets.
    ///
    /// - Parameters:
    ///   - model: The model.
    ///   - options: Rank, targets and so on.
    ///   - seed: The seed of the matrices A.
    ///   - dropout: The hook that the model was made with; needed where the options drop inputs.
    /// - Throws: ``TransformersError`` where nothing is a target, or a target is none.
    init(_ model: TransformerModel, _ options: LoRAOptions, seed: UInt64, dropout: LowRankDropout?) throws {
        guard !model.configuration.isTable else {
            throw TransformersError(
                "\(model.configuration.source): is a static table, which has no linear layers to adapt; leave --lora-rank out"
            )
        }
        guard options.dropout == 0 || dropout != nil else {
            throw TransformersError("a model whose adapters drop inputs is made with their hook")
        }
        (self.options, self.dropout) = (options, options.dropout > 0 ? dropout : nil)
        let head = Self.head(of: model.configuration)
        func isHead(_ name: String) -> Bool { Self.isHead(name, head) }
        let targets = try Self.targets(
            model.parameters.linearLayers.filter { !isHead($0.name) }, options, model.configuration)
        try model.parameters.freeze()
        let scope = ParameterScope(store: parameters, source: nil, seed: seed, device: model.device)
        layers = try targets.map {
            try LowRankAdapter(
                $0, rank: options.rank, scale: options.scale, in: scope, isAttached: options.dropout == 0)
        }
        // A language model's output layer stays as it is.
        whole =
            model.configuration.headKind == .causalLanguageModel
            ? [] : model.parameters.entries.filter { isHead($0.name) }
        for entry in whole {
            try entry.tensor.setRequiresGrad(true)
            try parameters.add(entry.name, entry.tensor)
        }
        self.dropout?.use(layers)
    }

    /// Sets the model's weights to what the adapters make of them.
    public func merge() throws { for layer in layers { try layer.merge() } }

    /// The paths of a model's head.
    static func head(of configuration: ModelConfiguration) -> [String] {
        let layout = configuration.family.layout
        let names = layout.head(configuration.headKind)
        let norm = configuration.headKind == .sequenceClassification ? layout.sequenceHead.norm : nil
        return [names.dense, norm, names.classifier].compactMap(\.self)
    }

    /// Returns true if a name is that of something in a head.
    ///
    /// - Parameter head: The head's paths.
    static func isHead(_ name: String, _ head: [String]) -> Bool {
        head.contains { name == $0 || name.hasPrefix($0 + ".") }
    }

    private static func targets(
        _ layers: [ParameterStore.LinearLayer], _ options: LoRAOptions, _ configuration: ModelConfiguration
    ) throws -> [ParameterStore.LinearLayer] {
        if options.targets == [LoRAOptions.allLinear] { return layers }
        for target in options.targets
        where !layers.contains(where: { $0.name == target || $0.name.hasSuffix("." + target) }) {
            var ends: [String] = []
            for layer in layers {
                let end = layer.name.split(separator: ".").last.map(String.init) ?? layer.name
                if !ends.contains(end) { ends.append(end) }
            }
            throw TransformersError(
                "\(configuration.source): lora_targets names '\(target)', which is no linear layer below the head; the model has "
                    + "\(ends.joined(separator: ", ")), or give \(LoRAOptions.allLinear)")
        }
        return layers.filter { options.names($0.name) }
    }
}
