import Architectures

/// The graph of some families of models.
///
/// A further family whose layers are BERT's is one more entry in ``postNorm``; one of other layers is a graph of its own, and an
/// entry in ``all``.
struct ONNXFamily: Sendable {
    let families: [ModelFamily]
    /// Adds nodes, inputs and outputs.
    let build: @Sendable (GraphBuilder, ExportableModel, ExportDType) throws -> Void

    static let all = [postNorm]

    /// The families whose layers are BERT's, with its attention.
    static let postNorm = ONNXFamily(
        families: [.bert, .distilbert, .roberta, .xlmRoberta, .camembert, .electra, .albert],
        build: { try PostNormGraph($0, $1, $2).build() })

    /// The graph of a model's family.
    ///
    /// - Throws: ``ExportError``, which lists the known ones.
    static func of(_ model: ExportableModel) throws -> ONNXFamily {
        let type = model.configuration.modelType
        guard let graph = all.first(where: { $0.families.contains { $0.modelType == type } }) else {
            let known = all.flatMap(\.families).map(\.modelType).joined(separator: ", ")
            throw ExportError(
                "\(model.path): the architecture \(type) has no graph in the format onnx; known: \(known)")
        }
        return graph
    }
}
