/// The layout of a family's parameters, by transformers' names.
package struct ParameterLayout: Sendable {
    /// The prefix of the encoder's names in the checkpoint of a model with a head, absent from a bare
    /// encoder's: `bert`.
    package let base: String
    /// The parts of a bare encoder: the first components of its names.
    let baseParts: [String]
    /// The embedding tables before the layers.
    package let embeddings: EmbeddingNames
    /// The path of each layer.
    package let layers: LayerPath
    /// The modules of a layer, where it is a post-norm layer like BERT's; `nil` for another kind.
    package let layer: PostNormLayerNames?
    /// The head for sequence classification.
    package let sequenceHead: SequenceHeadNames
    /// True if the axis of each dimension of a parameter is known, for narrower students.
    package var hasAxes = false

    /// Returns the names of a kind of head.
    package func head(_ kind: HeadKind) -> HeadNames {
        switch kind {
        case .sequenceClassification:
            HeadNames(dense: sequenceHead.dense, classifier: sequenceHead.classifier)
        // All families call it so.
        case .tokenClassification: HeadNames(dense: nil, classifier: "classifier")
        case .causalLanguageModel: HeadNames(dense: nil, classifier: DecoderNames.output)
        // Its layers are modules of their own, in other files.
        case .embedding: HeadNames(dense: nil, classifier: SentenceTransformer.layerPrefix)
        }
    }

    /// Returns the model's name of a checkpoint's tensor.
    ///
    /// They are the same but for two cases: a bare encoder's names lack the base, and very old checkpoints call the
    /// weight and bias of a layer norm `gamma` and `beta`.
    package func parameterName(_ stored: String) -> String {
        var name = stored
        if name.hasSuffix("LayerNorm.gamma") { name = name.dropLast(5) + "weight" }
        if name.hasSuffix("LayerNorm.beta") { name = name.dropLast(4) + "bias" }
        let isBare = baseParts.contains { name.hasPrefix($0 + ".") }
        return isBare ? "\(base).\(name)" : name
    }

    /// Returns the checkpoint's names, keyed by the model's.
    ///
    /// - Parameter stored: The checkpoint's names.
    /// - Throws: ``ArchitectureError`` where two of them are the same parameter.
    package func storedNames(_ stored: [String], path: String) throws -> [String: String] {
        var names: [String: String] = [:]
        for name in stored {
            if let other = names.updateValue(name, forKey: parameterName(name)) {
                throw ArchitectureError(
                    "\(path): the tensors '\(other)' and '\(name)' are the same parameter; remove one")
            }
        }
        return names
    }
}

/// The path of each layer: the text before and after its number.
package struct LayerPath: Sendable {
    /// The text before the number, such as `bert.encoder.layer.`.
    let prefix: String
    var suffix = ""
    /// True if layers share parameters, so that a number is that of a group of layers.
    var areShared = false

    /// The prefix of the names of a layer's parameters, before its number and a dot; `nil` where layers share
    /// theirs.
    package var ownPrefix: String? { areShared ? nil : prefix }

    /// Returns the path of a layer, or of a group that shares its parameters.
    package func callAsFunction(_ number: Int) -> String { "\(prefix)\(number)\(suffix)" }
}

extension ParameterLayout {
    /// Makes the layout of a family that names its parts as BERT does.
    ///
    /// - Parameters:
    ///   - base: The encoder's name: `roberta`.
    ///   - head: The head for sequence classification.
    static func bert(base: String, head: SequenceHeadNames) -> ParameterLayout {
        ParameterLayout(
            base: base, baseParts: ["embeddings", "encoder", "pooler"],
            embeddings: .bert("\(base).embeddings"), layers: LayerPath(prefix: "\(base).encoder.layer."),
            layer: .bert, sequenceHead: head, hasAxes: true)
    }
}
