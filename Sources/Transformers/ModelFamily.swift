import Torch

/// All that differs from one family of models to another when a checkpoint is opened.
///
/// A new family is one folder beside `Bert`, and one entry in ``all``.
struct ModelFamily: Sendable {
    typealias Maker =
        @Sendable (
            BertConfiguration, (any ParameterSource)?, _ seed: UInt64, Device, (any LayerInstrument)?
        ) throws -> any SequenceClassifier

    /// The `model_type` of its `config.json`.
    let modelType: String
    /// How the names of its classes begin in transformers, such as `Bert` in `BertModel`.
    let classPrefix: String
    /// The model's name of a checkpoint's tensor.
    let parameterName: @Sendable (_ stored: String) -> String
    let make: Maker

    static let all: [ModelFamily] = [.bert]

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

    /// - Throws: ``TransformersError`` where there is no such family.
    static func named(_ modelType: String) throws -> ModelFamily {
        guard let family = all.first(where: { $0.modelType == modelType }) else {
            throw TransformersError("the architecture \(modelType) is not supported; known: \(knownTypes)")
        }
        return family
    }

    private static var knownTypes: String { all.map(\.modelType).joined(separator: ", ") }

    private static func unknown(_ what: String, _ reader: ConfigurationReader) -> TransformersError {
        reader.error("\(what) is not supported; use a model of a known one: \(knownTypes)")
    }
}
