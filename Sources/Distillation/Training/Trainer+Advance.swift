import Foundation

extension Trainer {
    /// Steps that a device may be ahead of what is known of them.
    private static let unreadLimit = 64

    /// Takes the next optimizer step. An evaluation that was begun ends with it.
    ///
    /// - Returns: What the step showed; `nil` after the last step, or once training has stalled (``stallNote``).
    /// - Throws: ``NonFiniteLossError`` where the loss or a gradient is not finite. The weights are then those
    ///   before the failed step; ``best`` holds the last good ones. On a device that computes on by itself, counts may have
    ///   gone on to later steps.
    public func advance() throws -> TrainingStep? {
        try endEvaluation()
        clock.begin()
        guard step < totalSteps, stallNote == nil, let batches = try nextBatches() else {
            prefetcher = nil
            return nil
        }
        let launched = try completed { try launch(batches) }
        unread.append(launched)
        clock.add(launched.examples)
        let isDue =
            step == totalSteps
            || (arguments.evalSteps.map { step.isMultiple(of: $0) } ?? (stepInEpoch == stepsPerEpoch))
        if !isAsynchronous || isDue || isLogged || unread.count == Self.unreadLimit { try readSteps() }
        let (now, all) = (stage.firstStep + step, stage.stepsOfRun ?? totalSteps)
        return TrainingStep(
            progress: RunProgress(
                completed: now, total: all, unit: "step", examples: clock.examples, detail: meter.detail),
            metrics: isLogged
                ? meter.flush(step: now, totalSteps: all, epoch: epochNow, stage: stage.name) : nil,
            isEvaluationDue: isDue)
    }

    /// Why training ended before its last step: the last evaluations have brought nothing; `nil` where it did not.
    public var stallNote: String? {
        guard let patience = arguments.earlyStoppingPatience, evaluationsWithoutGain >= patience else {
            return nil
        }
        return
            "Stopped early: \(metricForBest.rawValue) has not gained in \(evaluationsWithoutGain) evaluations."
    }

    /// Whether there is nothing left to do.
    var isFinished: Bool { step == totalSteps || stallNote != nil }

    /// Whether the last step is to be logged.
    private var isLogged: Bool { step % arguments.loggingSteps == 0 || step == totalSteps }

    /// Reads what the steps on the device have shown.
    func readSteps() throws {
        for result in try completed({ try read(unread) }) { meter.add(result) }
        unread = []
    }

    /// The micro-batches of the next step.
    private func nextBatches() throws -> [Batch]? {
        if stepInEpoch == stepsPerEpoch {
            epoch += 1
            stepInEpoch = 0
            prefetcher = nil
        }
        let steps = prefetcher ?? prefetchedSteps()
        prefetcher = steps
        return try steps.next()
    }

    /// The contents of the rest of the epoch's steps, read and assembled while the step before is computed.
    private func prefetchedSteps() -> BatchPrefetcher<[Batch]> {
        let (data, size, start) = (data, arguments.perDeviceTrainBatchSize, stepInEpoch)
        let batches = batchIndices(epoch: epoch)
        let augmentation = augmentation?.seeded(arguments.seed, epoch: stage.firstEpoch + epoch)
        return BatchPrefetcher { place in
            guard start + place < batches.count else { return nil }
            return try Self.passes(
                batches[start + place], of: data, batchSize: size, augmentation: augmentation)
        }
    }
}
