/// Where a family's parameters lie, by transformers' names.
struct ParameterLayout: Sendable {
    /// What the encoder's names begin with in a task's checkpoint, and not in a bare encoder's: `bert`.
    let base: String
    /// The parts of a bare encoder: the first components of its names.
    let baseParts: [String]
    /// The table with a row for each token.
    let wordTable: String
    /// What the names of a layer's parameters begin with, before its number and a dot; `nil` where all layers share theirs.
    let layers: String?
    /// The head for sequence classification.
    let sequenceHead: HeadNames
    /// What each dimension of a parameter is, for narrower students; `nil` where that is not known.
    var narrowing: NarrowingMap?

    /// The names of a kind of head.
    func head(_ kind: HeadKind) -> HeadNames {
        switch kind {
        case .sequenceClassification: sequenceHead
        case .tokenClassification: HeadNames(classifier: "classifier")
        }
    }

    /// The model's name of a checkpoint's tensor.
    ///
    /// They are the same but for two cases: a bare encoder's names lack the base, and very old checkpoints call the
    /// weight and bias of a layer norm `gamma` and `beta`.
    func parameterName(_ stored: String) -> String {
        var name = stored
        if name.hasSuffix("LayerNorm.gamma") { name = name.dropLast(5) + "weight" }
        if name.hasSuffix("LayerNorm.beta") { name = name.dropLast(4) + "bias" }
        let isBare = baseParts.contains { name.hasPrefix($0 + ".") }
        return isBare ? "\(base).\(name)" : name
    }
}

/// The names of a head's layers.
struct HeadNames: Sendable {
    /// The dense layer before the classifier, where narrower students can have it.
    var dense: String?
    /// The layer that gives the logits.
    let classifier: String

    /// The parameters of the layer that gives the logits.
    var outputs: Set<String> { Set(["weight", "bias"].map { "\(classifier).\($0)" }) }

    /// The parameters of all its layers.
    var parameters: Set<String> {
        outputs.union(dense.map { dense in ["weight", "bias"].map { "\(dense).\($0)" } } ?? [])
    }
}

/// What the dimensions of a family's parameters are, for a student that keeps a part of each.
struct NarrowingMap: Sendable {
    let layer: LayerNames
    /// The norm of the embeddings, where it is of the hidden size.
    let embeddingNorm: String?
    /// What else lies outside of the layers and the head.
    let tables: [String: [NarrowedAxis]]
}

extension ParameterLayout {
    /// The layout of a family that names its parts as BERT does.
    ///
    /// - Parameters:
    ///   - base: The encoder's name: `roberta`.
    ///   - dense: The dense layer of the head.
    ///   - classifier: The layer that gives the logits.
    static func bert(base: String, dense: String, classifier: String) -> ParameterLayout {
        let embeddings = "\(base).embeddings"
        return ParameterLayout(
            base: base, baseParts: ["embeddings", "encoder", "pooler"],
            wordTable: "\(embeddings).word_embeddings.weight", layers: "\(base).encoder.layer.",
            sequenceHead: HeadNames(dense: dense, classifier: classifier),
            narrowing: NarrowingMap(
                layer: .bert, embeddingNorm: "\(embeddings).LayerNorm",
                tables: [
                    "\(embeddings).word_embeddings.weight": [.whole, .hidden],
                    "\(embeddings).position_embeddings.weight": [.whole, .hidden],
                    "\(embeddings).token_type_embeddings.weight": [.whole, .hidden],
                ]))
    }
}
