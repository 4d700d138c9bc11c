/// The graph of one family of models.
///
/// A further family is one more `PostNormLayout`, or a graph of its own, and one more entry in ``all``.
struct ONNXFamily: Sendable {
    /// The `model_type` of its `config.json`.
    let modelType: String
    /// Adds nodes, inputs and outputs.
    let build: @Sendable (GraphBuilder, ExportableModel, ExportDType) throws -> Void

    static let all: [ONNXFamily] = [.bert, .distilbert] + robertas + [.electra, .albert]

    /// The family of a model.
    ///
    /// - Throws: ``ExportError``, which lists the known ones.
    static func of(_ model: ExportableModel) throws -> ONNXFamily {
        guard let family = all.first(where: { $0.modelType == model.modelType }) else {
            let known = all.map(\.modelType).joined(separator: ", ")
            throw ExportError(
                "\(model.path): the architecture \(model.modelType) has no graph in the format onnx; known: \(known)"
            )
        }
        return family
    }
}
