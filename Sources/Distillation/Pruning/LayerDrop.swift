import Architectures
import Transformers

/// Layers left out one after another, each time the one without which the outputs are the nearest to the original's (as in
/// "A deeper look at depth pruning of LLMs", Siddiqui et al., arXiv 2407.16286).
///
/// All layers are tried at first; then those alone that cost least so far, as what a layer costs changes little by others that go.
package struct LayerDrop {
    /// The number of layers that are tried again before the next one goes.
    static let candidates = 6

    private let model: TransformerModel
    private let divergence: OutputDivergence

    package init(_ model: TransformerModel, _ divergence: OutputDivergence) {
        (self.model, self.divergence) = (model, divergence)
    }

    /// Returns the layers in the order in which they go, with the distance from the original without it and those before.
    ///
    /// - Parameters:
    ///   - count: The number of layers to leave out, below the model's.
    ///   - onTrial: Called after each model that was tried.
    /// - Throws: What the models and the comparison throw; `ArchitectureError` where no layer can go.
    package func order(_ count: Int, onTrial: () throws -> Void = {}) throws -> [(
        layer: Int, distance: Double
    )] {
        var kept = Array(0..<model.configuration.numHiddenLayers)
        var costs: [Int: Double] = [:]
        var order: [(layer: Int, distance: Double)] = []
        for step in 0..<min(count, kept.count - 1) {
            let cheapest = kept.sorted { (costs[$0] ?? 0, $0) < (costs[$1] ?? 0, $1) }
            var (best, refusal): ((layer: Int, distance: Double)?, (any Error)?) = (nil, nil)
            for layer in step == 0 ? kept : Array(cheapest.prefix(Self.candidates)) {
                do {
                    let distance = try distance(kept.filter { $0 != layer })
                    costs[layer] = distance
                    if distance < best?.distance ?? .infinity { best = (layer, distance) }
                } catch let error as ArchitectureError {
                    // Layers behind it would compute something else at their new places.
                    (costs[layer], refusal) = (.infinity, error)
                }
                try onTrial()
            }
            guard let best else {
                throw refusal
                    ?? DistillationError(
                        "without any one of its layers the model's outputs are not finite; keep the layers, and choose other sizes"
                    )
            }
            order.append(best)
            kept.removeAll { $0 == best.layer }
        }
        return order
    }

    /// Returns the layers that stay where so many are kept.
    package func layers(_ count: Int, onTrial: () throws -> Void = {}) throws -> [Int] {
        let all = model.configuration.numHiddenLayers
        let gone = Set(try order(all - count, onTrial: onTrial).map(\.layer))
        return (0..<all).filter { !gone.contains($0) }
    }

    private func distance(_ layers: [Int]) throws -> Double {
        var shape = model.configuration.shape
        shape.layers = layers.count
        let smaller = try AutoModel.make(
            model.configuration.pruned(to: shape, layers: layers),
            source: TeacherLayerSource(teacher: model, layers: layers, copies: false), seed: 0,
            device: model.device)
        let distance = try divergence(smaller).distance
        return distance.isFinite ? distance : .infinity
    }
}
