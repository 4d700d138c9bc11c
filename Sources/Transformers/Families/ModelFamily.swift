import JSON
import Torch

/// All that differs from one family of models to another.
///
/// A new family is one file beside `BertFamily.swift`, and one entry in ``all``; `docs/adding-a-model.md` walks through it.
struct ModelFamily: Sendable {
    /// The `model_type` of its `config.json`.
    let modelType: String
    /// Its name in messages: BERT.
    let title: String
    /// How the names of its classes begin in transformers, such as `Bert` in `BertModel`.
    let classPrefix: String
    /// Its `config.json`'s names for what all families have.
    var fields = ConfigurationFields.bert
    /// Fields that only it understands, of those that are refused elsewhere.
    var ownFields: Set<String> = []
    /// Whether its positions begin after the padding token's number, as RoBERTa's.
    var positionsFollowPadding = false
    /// The row of padding in the position table where it is not the padding token's number.
    var paddingRow: Int?
    /// What its forward pass multiplies.
    var products = ForwardProducts()
    /// Reads and checks the fields that only it has.
    var check: @Sendable (ModelConfiguration) throws -> Void = { _ in }
    /// Brings fields that only it has in line with the others before they are written.
    var adjust: @Sendable (inout JSONObject, ModelConfiguration) -> Void = { _, _ in }
    /// Where its parameters lie.
    let layout: ParameterLayout
    /// Makes its encoder from the root of the parameters.
    let encoder: @Sendable (ParameterScope, ModelConfiguration) throws -> EncoderParts
    /// Makes its head for sequence classification.
    let sequenceHead: @Sendable (ParameterScope, ModelConfiguration) throws -> any Head
    /// Makes its head for token classification.
    var tokenHead: @Sendable (ParameterScope, ModelConfiguration) throws -> any Head = {
        try TokenClassificationHead($0, $1)
    }

    /// Makes the head that the configuration names.
    func head(_ root: ParameterScope, _ configuration: ModelConfiguration) throws -> any Head {
        switch configuration.headKind {
        case .sequenceClassification: try sequenceHead(root, configuration)
        case .tokenClassification: try tokenHead(root, configuration)
        }
    }

    static let all: [ModelFamily] = [
        .bert, .distilbert, .roberta, .xlmRoberta, .camembert, .electra, .albert, .mpnet, .debertaV2,
        .modernbert,
    ]

    /// The family that a configuration names.
    ///
    /// - Throws: ``TransformersError``, which lists the known ones.
    static func of(_ reader: ConfigurationReader) throws -> ModelFamily {
        if let type = reader.optional("model_type") {
            if let name = type.stringValue, let family = all.first(where: { $0.modelType == name }) {
                return family
            }
            throw unknown("the architecture \(type.serialized())", reader)
        }
        // Configurations of before 2020 have only the name of a class.
        guard let architecture = reader.optional("architectures")?.arrayValue?.first?.stringValue else {
            throw reader.error("\"model_type\" is missing; add it (known: \(knownTypes))")
        }
        let isOf: (ModelFamily) -> Bool = {
            architecture == $0.classPrefix + "Model" || architecture.hasPrefix($0.classPrefix + "For")
        }
        guard let family = all.first(where: isOf) else {
            throw unknown("the architecture \(architecture)", reader)
        }
        return family
    }

    private static var knownTypes: String { all.map(\.modelType).joined(separator: ", ") }

    private static func unknown(_ what: String, _ reader: ConfigurationReader) -> TransformersError {
        reader.error("\(what) is not supported; use a model of a known one: \(knownTypes)")
    }
}
