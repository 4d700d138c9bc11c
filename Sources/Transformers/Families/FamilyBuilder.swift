import Torch

/// The construction of a family's models from layers. The contents of their files are described by
/// `ModelFamily`.
///
/// A new family is one file beside `BertBuilder.swift`, and one entry in ``all``; `docs/adding-a-model.md` walks through it.
struct FamilyBuilder: Sendable {
    let families: [ModelFamily]
    /// Makes the encoder from the root of the parameters.
    let encoder: @Sendable (ParameterScope, ModelConfiguration) throws -> EncoderParts
    /// Makes the head for sequence classification.
    let sequenceHead: @Sendable (ParameterScope, ModelConfiguration) throws -> any Head
    /// Makes the head for token classification.
    var tokenHead: @Sendable (ParameterScope, ModelConfiguration) throws -> any Head = {
        try TokenClassificationHead($0, $1)
    }

    static let all: [FamilyBuilder] = [
        .bert, .distilbert, .roberta, .electra, .albert, .mpnet, .debertaV2, .modernbert,
    ]

    /// Returns the builder of a configuration's family.
    ///
    /// - Throws: ``TransformersError`` if there is none.
    static func of(_ configuration: ModelConfiguration) throws -> FamilyBuilder {
        let type = configuration.modelType
        guard let builder = all.first(where: { $0.families.contains { $0.modelType == type } }) else {
            throw TransformersError("\(configuration.source): models of \(type) cannot be built")
        }
        return builder
    }

    /// Makes the head that the configuration names.
    func head(_ root: ParameterScope, _ configuration: ModelConfiguration) throws -> any Head {
        switch configuration.headKind {
        case .sequenceClassification: try sequenceHead(root, configuration)
        case .tokenClassification: try tokenHead(root, configuration)
        case .embedding: try EmbeddingHead(root, configuration)
        case .causalLanguageModel:
            throw TransformersError(
                "\(configuration.source): \(configuration.modelType) is no language model")
        }
    }
}
