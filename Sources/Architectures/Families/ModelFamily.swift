import JSON

/// A family of models, by all that distinguishes its `config.json` and checkpoints from another's: names,
/// defaults, refusals.
///
/// A new family is one file beside `BertFamily.swift`, and one entry in ``all``; `docs/adding-a-model.md` walks through it.
package struct ModelFamily: Sendable {
    /// The `model_type` of its `config.json`.
    package let modelType: String
    /// Its name in messages: BERT.
    package let title: String
    /// The prefix of the names of its classes in transformers, such as `Bert` in `BertModel`.
    let classPrefix: String
    /// Its `config.json`'s names of the fields that all families have.
    var fields = FieldNames.bert
    /// Fields that only it understands, of those that are refused elsewhere.
    var ownFields: Set<String> = []
    /// True if its positions begin after the padding token's id, as RoBERTa's.
    package var positionsFollowPadding = false
    /// The row of padding in the position table where it is not the padding token's id.
    var paddingRow: Int?
    /// How attention depends on the places of tokens, in a family of encoders.
    package var attentionPositions = AttentionPositions.none
    /// The matrix products of its forward pass.
    var products = ForwardProducts()
    /// The number of layers that have parameters of their own; consecutive ones share them where there are
    /// fewer than layers.
    var layerGroups: @Sendable (ModelConfiguration) throws -> Int = { $0.numHiddenLayers }
    /// Reads and checks the fields that only it has.
    var check: @Sendable (ModelConfiguration) throws -> Void = { _ in }
    /// Brings fields that only it has in line with the others before they are written.
    var adjust: @Sendable (inout JSONObject, ModelConfiguration) -> Void = { _, _ in }
    /// False for static tables, which have no layers.
    var hasLayers = true
    /// Reads what distinguishes its layers, for a family of decoders; `nil` for one of encoders.
    var decoder: (@Sendable (ModelConfiguration) throws -> DecoderSettings)?
    /// The layout of its parameters.
    package let layout: ParameterLayout

    package static let all: [ModelFamily] = [
        .bert, .distilbert, .roberta, .xlmRoberta, .camembert, .electra, .albert, .mpnet, .debertaV2,
        .modernbert, .llama, .mistral, .qwen2, .qwen3, .gpt2, .gemma3,
    ]

    /// Families with layers that are neither attention nor a feed-forward network.
    private static let hybrids: Set<String> = [
        "bamba", "falcon_h1", "falcon_mamba", "granitemoehybrid", "jamba", "kimi_linear", "lfm2", "lfm2_moe",
        "mamba", "mamba2",
        "minimax", "nemotron_h", "olmo_hybrid", "qwen3_5", "qwen3_5_moe", "qwen3_5_text", "qwen3_next",
        "recurrent_gemma",
        "rwkv", "zamba", "zamba2",
    ]

    /// Returns the family that a configuration names.
    ///
    /// - Throws: ``ArchitectureError``, which lists the known ones.
    static func of(_ reader: ConfigurationReader) throws -> ModelFamily {
        if let type = reader.optional("model_type") {
            if let name = type.stringValue, let family = all.first(where: { $0.modelType == name }) {
                return family
            }
            if type.stringValue == staticTable.modelType { return staticTable }
            if let name = type.stringValue, hybrids.contains(name) {
                throw unknown(
                    "\"\(name)\", which has recurrent or convolutional layers beside attention,", reader)
            }
            throw unknown("the architecture \(type.serialized()) of \"model_type\"", reader)
        }
        // Configurations from before 2020 have only the name of a class.
        guard let architecture = reader.optional("architectures")?.arrayValue?.first?.stringValue else {
            throw reader.error("\"model_type\" is missing; add it (known: \(knownTypes))")
        }
        let isOf: (ModelFamily) -> Bool = {
            architecture == $0.classPrefix + "Model" || architecture.hasPrefix($0.classPrefix + "For")
                || architecture == $0.classPrefix + "LMHeadModel"
        }
        guard let family = all.first(where: isOf) else {
            throw unknown("the architecture \(architecture)", reader)
        }
        return family
    }

    private static var knownTypes: String { all.map(\.modelType).joined(separator: ", ") }

    private static func unknown(_ what: String, _ reader: ConfigurationReader) -> ArchitectureError {
        reader.error("\(what) is not supported; use a model of a known one: \(knownTypes)")
    }
}

extension ModelConfiguration {
    /// Returns the number of layers that have parameters of their own.
    package func layerGroups() throws -> Int { try family.layerGroups(self) }

    /// Returns the index of the group of layers whose parameters a layer uses.
    package func layerGroup(_ layer: Int) throws -> Int { try layer * layerGroups() / numHiddenLayers }
}
