import Foundation

/// The evaluation of a model in training, and which checkpoint is the best.
extension Trainer {
    /// Sets the model to the weights that are evaluated and saved, which are the moving averages where these are kept, until
    /// the next step or ``endEvaluation()``.
    ///
    /// - Parameter inTurn: `false` for an evaluation that was not due, such as at a stop: it leaves no trace in the state from
    ///   which a resumed run goes on.
    /// - Throws: ``NonFiniteLossError`` where an earlier step was not finite; `TorchError`.
    public func beginEvaluation(inTurn: Bool = true) throws {
        try endEvaluation()
        clock.beginPause()
        try readSteps()
        try optimizer.synchronize()
        guard let averages else { return }
        if inTurn { try averages.catchUp() }
        try averages.useAverages(includingPending: true)
        try model.refreshWeights()
    }

    /// Sets the model back to the weights of training; does nothing where it has them.
    public func endEvaluation() throws {
        if let averages, averages.areInUse {
            try averages.useWeights()
            try model.refreshWeights()
        }
        let pause = clock.endPause()
        if pause > 0 { meter.leaveOut(pause) }
    }

    /// Records the result of a regular evaluation: it counts for the best checkpoint and for early stopping.
    ///
    /// - Parameters:
    ///   - values: The model's metrics on the validation data.
    ///   - logits: Its logits for the validation data, kept with the best checkpoint.
    /// - Throws: ``NonFiniteLossError`` where the loss is not finite; ``DistillationError`` where the metric for the best
    ///   checkpoint is not among the values.
    @discardableResult
    public func record(_ values: MetricValues, logits: Logits? = nil) throws -> EpochMetrics {
        let metrics = try evaluation(values)
        let gain = best.map { metricForBest.improvement(of: values[metricForBest] ?? .nan, over: $0.metric) }
        // Where nothing can be measured no evaluation is better than the last.
        let isGain = values.isEmpty || gain.map { $0 > arguments.earlyStoppingThreshold } ?? true
        evaluationsWithoutGain = isGain ? 0 : evaluationsWithoutGain + 1
        history.append(metrics)
        if metrics.isBest { best = try checkpoint(metrics, logits: logits) }
        sums = MetricSums()
        return metrics
    }

    /// Returns an evaluation without recording it.
    func evaluation(_ values: MetricValues) throws -> EpochMetrics {
        if let loss = values[.loss], !loss.isFinite {
            throw notFinite("the loss on the validation data is \(loss)")
        }
        guard let metric = values[metricForBest] ?? (values.isEmpty ? 0 : nil) else {
            throw DistillationError(
                "metric_for_best_model: the validation data have no \(metricForBest.rawValue); choose one of "
                    + values.names.map(\.rawValue).joined(separator: ", "))
        }
        return EpochMetrics(
            epoch: epochNow, step: stage.firstStep + step, stage: stage.name, trainLoss: sums.meanLoss,
            trainTerms: sums.meanTerms, train: sums.statistics.values, validation: values,
            isBest: values.isEmpty
                || best.map { metricForBest.improvement(of: metric, over: $0.metric) > 0 } ?? true,
            seconds: clock.seconds, examplesPerSecond: clock.examplesPerSecond)
    }

    /// Returns a checkpoint of the model as it is, with the result of its evaluation.
    func checkpoint(_ metrics: EpochMetrics, logits: Logits?) throws -> TrainingState.Best {
        TrainingState.Best(
            metric: metrics.validation[metricForBest] ?? 0, epoch: metrics.epoch,
            parameters: try model.snapshot(), logits: logits)
    }
}
