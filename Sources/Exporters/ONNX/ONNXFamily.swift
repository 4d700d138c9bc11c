import Architectures

/// The construction of the ONNX graph for some families of models.
///
/// To add a family with BERT's layers, add an entry to ``postNorm``; a family with other layers needs a graph
/// of its own, and an entry in ``all``.
struct ONNXFamily: Sendable {
    let families: [ModelFamily]
    /// Adds nodes, inputs and outputs.
    let build: @Sendable (GraphBuilder, ExportableModel, ExportDType) throws -> Void

    static let all = [postNorm]

    /// The families with BERT's layers and attention.
    static let postNorm = ONNXFamily(
        families: [.bert, .distilbert, .roberta, .xlmRoberta, .camembert, .electra, .albert],
        build: { try PostNormGraph($0, $1, $2).build() })

    /// Returns the graph construction for a model's family.
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
