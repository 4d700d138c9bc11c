extension ModelFamily {
    static let bert = ModelFamily(
        modelType: "bert", classPrefix: "Bert", parameterName: bertParameterName,
        make: { try BertForSequenceClassification($0, source: $1, seed: $2, device: $3, instrument: $4) })

    /// Names in checkpoints are the model's own but for two cases: a bare encoder's lack `bert.`, and very old
    /// checkpoints call the weight and bias of a layer norm `gamma` and `beta`.
    @Sendable
    private static func bertParameterName(_ stored: String) -> String {
        var name = stored
        if name.hasSuffix("LayerNorm.gamma") { name = name.dropLast(5) + "weight" }
        if name.hasSuffix("LayerNorm.beta") { name = name.dropLast(4) + "bias" }
        let isBare = ["embeddings.", "encoder.", "pooler."].contains { name.hasPrefix($0) }
        return isBare ? "bert." + name : name
    }
}
