import Distillation
import Files
import Foundation
import Transformers

/// Cuts a model to a smaller shape by what its parts are worth on some texts, and saves it with a record of what went.
public struct PruneRun {
    public let request: PruneRequest

    /// - Throws: `DistillationError` for options that are invalid, or leave nothing to do.
    public init(_ request: PruneRequest) throws {
        try request.validate()
        self.request = request
    }

    /// - Parameters:
    ///   - onEvent: Called with the events of the run.
    ///   - shouldStop: Polled for an early end; nothing is saved then.
    /// - Throws: `InterruptedError` where `shouldStop` became true; `DistillationError` or `TransformersError` for sizes that do not
    ///   fit the model; `FileError`. Nothing is left half-written.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> PruneReport {
        let log = try RunLog(onEvent, shouldStop: shouldStop)
        let output = try OutputDirectory(
            request.output, overwrite: request.overwrite,
            inputs: [request.model, request.data] + [request.validation].compactMap(\.self),
            cache: request.cache)
        log.tell(output.leftovers)
        let loaded = try LoadedModel(request.model, languageModels: true)
        for warning in loaded.warnings { log.warnOnce(warning) }
        try requirePrunable(loaded)
        let material = try log.phase("Reading and tokenizing data") {
            try PruningMaterial(
                loaded, data: request.data, validation: request.validation, columns: request.columns,
                maxLength: request.maxLength, cache: request.cache,
                budgets: .init(calibration: request.calibrationTokens, trial: request.trialTokens), log: log)
        }
        let work = try PruningWork(request, loaded.model, material, log)
        let found = try self.found(work, try budget(loaded, material, log))
        let (shape, pruned, selection) = (found.shape, found.model, found.selection)
        var report = PruneReport(
            model: request.model.path, output: request.output.path, data: material.record,
            validation: material.validationRecord, calibrationTokens: material.calibration.tokens,
            before: work.size(loaded.model.configuration.shape), after: work.size(shape),
            measure: .kl, distance: 0, agreement: 0, evenLayers: nil, layers: try work.layers(shape.layers),
            droppedLayers: work.dropped,
            heads: shape.attentionHeads < work.own.attentionHeads ? selection?.heads : nil,
            hidden: shape.hiddenSize < work.own.hiddenSize ? selection?.hidden : nil, trials: found.trials,
            targetLatency: found.latency, isCorrected: request.corrects, phases: [], versions: .current)
        try log.phase("Comparing with the model") { try work.compare(pruned, &report) }
        report.before.latencyMilliseconds = found.latency?.modelMilliseconds
        report.after.latencyMilliseconds = found.latency?.milliseconds
        try save(pruned, loaded, to: output, &report, log)
        return report
    }

    /// - Throws: `DistillationError` for a model that has nothing to cut.
    private func requirePrunable(_ loaded: LoadedModel) throws {
        guard !loaded.model.configuration.isTable else {
            throw DistillationError(
                "\(request.model.path): is a static table, which has no layers to cut; give it fewer components (distill run --student "
                    + "static --embedding-size)")
        }
        guard !loaded.model.parameters.isQuantized else {
            throw DistillationError(
                "\(request.model.path): is quantized, and int8 weights cannot be pruned; prune the model in floating point that it was "
                    + "made from")
        }
        _ = try parameterTarget(loaded)
    }

    /// The number of parameters that a search is for; `nil` for none.
    private func parameterTarget(_ loaded: LoadedModel) throws -> Int? {
        let all = loaded.model.parameters.elementCount
        let target: Int
        switch request.target {
        case .parameters(let count): target = count
        case .ratio(let ratio): target = Int(Double(all) * ratio)
        case .latency, .latencyRatio, nil: return nil
        }
        guard target < all else {
            throw DistillationError(
                "--target-parameters \(target): \(request.model.path) has \(all); choose fewer")
        }
        return target
    }

    /// What a search may spend; `nil` without a search.
    private func budget(
        _ loaded: LoadedModel, _ material: PruningMaterial, _ log: RunLog
    ) throws -> (any ShapeBudget)? {
        if let target = try parameterTarget(loaded) {
            return ParameterBudget(model: loaded.model, name: request.model.path, target: target)
        }
        let target: LatencyTarget
        switch request.target {
        case .latency(let time): target = .milliseconds(time)
        case .latencyRatio(let ratio): target = .fraction(ratio)
        case .parameters, .ratio, nil: return nil
        }
        return try LatencyBudget(
            loaded.model, name: request.model.path, texts: material.trial.dataset, target: target,
            shouldStop: log.shouldStop)
    }

    /// The model that is cut to the sizes that are given, or that a search finds.
    private func found(_ work: PruningWork, _ budget: (any ShapeBudget)?) throws -> PruneSearch.Found {
        if let budget { return try PruneSearch(work: work, budget: budget).run() }
        var sizes = request.sizes
        if case .numbers(let layers)? = request.layers {
            guard sizes.layers == nil || sizes.layers == layers.count else {
                throw DistillationError(
                    "--keep-layers names \(layers.count) layers, --layers \(sizes.layers ?? 0); leave --layers out"
                )
            }
            sizes.layers = layers.count
        }
        let shape = try sizes.shape(of: work.configuration)
        guard shape != work.own else {
            throw DistillationError(
                "nothing to prune: \(request.model.path) has these sizes already; choose smaller ones")
        }
        var whole = work.own
        whole.layers = shape.layers
        if shape != whole { try work.measure() }
        try work.chooseLayers(fewest: shape.layers)
        let (model, selection) = try work.model(shape)
        return PruneSearch.Found(shape: shape, model: model, selection: selection, trials: [])
    }

    private func save(
        _ pruned: TransformerModel, _ loaded: LoadedModel, to output: OutputDirectory,
        _ report: inout PruneReport, _ log: RunLog
    ) throws {
        if log.shouldStop() { throw InterruptedError() }
        let bytes =
            pruned.parameters.elementCount * 4 + OutputSpace.tokenizerBytes(loaded.tokenizerDirectory)
        if let problem = OutputSpace.problem(
            at: request.output, bytes: bytes, isRepeated: false, overwrite: request.overwrite)
        {
            throw DistillationError(problem)
        }
        report.phases = log.phases
        let text = try JSONText.encode(report) + "\n"
        try output.save(isLast: true) { directory in
            try ModelWriter.save(pruned, to: directory)
            try OutputDirectory.copyTokenizer(from: loaded.tokenizerDirectory, to: directory)
            try AtomicFile.write(text, to: directory.appending(path: PruneReport.fileName))
        }
    }
}
