import Distillation
import Transformers

/// What a pruning measures of a model, and the models that it makes.
final class PruningWork {
    let request: PruneRequest
    let model: TransformerModel
    let log: RunLog
    private let material: PruningMaterial
    private var importance: PruningImportance?
    private var comparison: OutputDivergence?
    private var influence: [Double]?
    /// The layers in the order in which they went.
    private(set) var dropped: [PruneReport.DroppedLayer] = []

    init(_ request: PruneRequest, _ model: TransformerModel, _ material: PruningMaterial, _ log: RunLog)
        throws
    {
        (self.request, self.model, self.material, self.log) = (request, model, material, log)
    }

    var configuration: ModelConfiguration { model.configuration }
    var own: ModelShape { configuration.shape }

    /// Measures what the parts are worth.
    func measure() throws {
        importance = try log.phase("Measuring importance") {
            let batches = material.calibration.batches
            let all = batches.reduce(0) { $0 + $1.count }
            return try PruningImportance(model, texts: batches) { done in
                if log.shouldStop() { throw InterruptedError() }
                let texts = batches.prefix(done).reduce(0) { $0 + $1.count }
                log.progress(texts, of: all, unit: "text")
            }
        }
    }

    /// Decides which layers go first.
    ///
    /// - Parameter fewest: The fewest layers that a model is to have.
    func chooseLayers(fewest: Int) throws {
        guard fewest < own.layers, request.layers == nil || request.layers == .choice(.lossDrop) else {
            guard fewest < own.layers, request.layers == .choice(.influence) else { return }
            guard self.influence == nil else { return }
            var influence = BlockInfluence(model)
            for text in material.calibration.batches { try influence.add(text) }
            self.influence = influence.values
            return
        }
        let all = own.layers
        // An earlier choice for as few layers says the order for this one.
        guard dropped.count < all - fewest else { return }
        let drop = LayerDrop(model, try divergence())
        dropped = try log.phase("Trying without layers") {
            try drop.order(all - fewest) {
                if log.shouldStop() { throw InterruptedError() }
                try log.advance(by: 1, unit: "trial")
            }
        }.map { PruneReport.DroppedLayer(layer: $0.layer, distance: $0.distance) }
    }

    /// The layers that a model of so many keeps.
    func layers(_ count: Int) throws -> [Int] {
        if count == own.layers { return Array(0..<count) }
        if case .numbers(let numbers)? = request.layers {
            guard numbers == Set(numbers).sorted(), numbers.allSatisfy((0..<own.layers).contains) else {
                throw DistillationError(
                    "--keep-layers names layers 0 to \(own.layers - 1), each once and in order")
            }
            return numbers
        }
        if case .choice(let choice)? = request.layers, choice != .lossDrop {
            return try choice.layers(teacher: own.layers, student: count, influence: influence)
        }
        let gone = Set(dropped.prefix(own.layers - count).map(\.layer))
        return (0..<own.layers).filter { !gone.contains($0) }
    }

    /// The pruned model, and what is kept of each layer; `nil` where layers are kept whole.
    func model(_ shape: ModelShape) throws -> (model: TransformerModel, selection: PrunedSelection?) {
        let layers = try layers(shape.layers)
        var whole = own
        whole.layers = shape.layers
        let configuration = try self.configuration.pruned(to: shape, layers: layers)
        guard shape != whole else {
            let pruned = try AutoModel.make(
                configuration, source: TeacherLayerSource(teacher: model, layers: layers, copies: false),
                seed: 0,
                device: model.device)
            return (pruned, nil)
        }
        guard let importance else { throw DistillationError("nothing was measured") }
        let selection = try PrunedSelection(importance, of: self.configuration, to: shape, layers: layers)
        let source = try PrunedSource(model, selection, importance, corrects: request.corrects)
        let pruned = try AutoModel.make(configuration, source: source, seed: 0, device: model.device)
        return (pruned, selection)
    }

    func size(_ shape: ModelShape) -> PruneReport.Size {
        PruneReport.Size(shape: shape, parameters: shape.parameterCount(of: model))
    }

    /// Makes a model of a shape, and compares it on the texts that shapes are tried on.
    func trial(_ shape: ModelShape) throws -> PruneReport.Trial {
        if log.shouldStop() { throw InterruptedError() }
        return trial(shape, try divergence()(model(shape).model))
    }

    private func trial(_ shape: ModelShape, _ value: OutputDivergence.Value) -> PruneReport.Trial {
        PruneReport.Trial(
            shape: shape, parameters: shape.parameterCount(of: model), distance: value.distance,
            agreement: value.agreement)
    }

    private func divergence() throws -> OutputDivergence {
        if let comparison { return comparison }
        let made = try OutputDivergence(
            model, on: material.trial.dataset, batchSize: request.batchSize, shouldStop: log.shouldStop)
        comparison = made
        return made
    }

    /// Compares the result with the original, and the same number of evenly chosen layers with it.
    func compare(_ pruned: TransformerModel, _ report: inout PruneReport) throws {
        let measure =
            try material.validation.map {
                try OutputDivergence(
                    model, on: $0.dataset, batchSize: request.batchSize, shouldStop: log.shouldStop)
            } ?? divergence()
        let value = try measure(pruned)
        (report.measure, report.distance, report.agreement) = (
            value.measure, value.distance, value.agreement
        )
        let count = report.layers.count
        guard count < own.layers else { return }
        let even = uniformLayers(teacher: own.layers, student: count)
        var shape = own
        shape.layers = count
        // Layers that would compute something else at other places cannot be chosen so.
        guard let smaller = try? configuration.pruned(to: shape, layers: even) else { return }
        let evenly = try AutoModel.make(
            smaller, source: TeacherLayerSource(teacher: model, layers: even, copies: false), seed: 0,
            device: model.device)
        report.evenLayers = trial(shape, try measure(evenly))
    }
}
