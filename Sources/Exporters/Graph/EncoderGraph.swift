import Architectures

/// The graph of a family's encoder and its classifier, under transformers' names.
///
/// Inputs and output are those of transformers' own exports: `input_ids`, `attention_mask` and, where the
/// family distinguishes token types, `token_type_ids`, integers (batch, sequence), and `logits`, float32 (batch,
/// classes), or for token classification (batch, sequence, classes). A model for embeddings has `sentence_embedding`, float32 (batch,
/// components), with all that follows its encoder.
///
/// A sequence classifier's logits need only each example's first token from the last layer, so only that is
/// computed there.
struct EncoderGraph: Sendable {
    let families: [ModelFamily]
    /// Adds nodes, inputs and outputs.
    let build: @Sendable (ModelGraph) throws -> Void

    static let all = [postNorm, modernBert]

    /// The families with BERT's layers, whatever their attention adds to the scores.
    static let postNorm = EncoderGraph(
        families: [
            .bert, .distilbert, .roberta, .xlmRoberta, .camembert, .electra, .albert, .mpnet, .debertaV2,
        ], build: { try PostNormGraph($0).build() })

    static let modernBert = EncoderGraph(
        families: [.modernbert], build: { try ModernBertGraph($0).build() })

    /// Returns the graph of a model's family.
    ///
    /// - Throws: ``ExportError``, which lists the known ones.
    static func of(_ model: ExportableModel, format: String) throws -> EncoderGraph {
        let type = model.configuration.modelType
        guard let graph = all.first(where: { $0.families.contains { $0.modelType == type } }) else {
            let known = all.flatMap(\.families).map(\.modelType).joined(separator: ", ")
            throw ExportError(
                "\(model.path): the architecture \(type) has no graph in the format \(format); known: \(known)"
            )
        }
        return graph
    }
}
