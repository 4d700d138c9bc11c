import Foundation

extension Trainer {
    /// The number of steps that a device may be ahead of the reading of their results.
    private static let unreadLimit = 64

    /// Takes the next optimizer step. An evaluation that was begun ends with it.
    ///
    /// - Returns: The step's progress and metrics; `nil` after the last step, or once training has stalled (``stallNote``).
    /// - Throws: ``NonFiniteLossError`` where the loss or a gradient is not finite. The weights are then those
    ///   before the failed step; ``best`` holds the last good ones. On an asynchronous device, counts may already be those of
    ///   later steps.
    public func advance() throws -> TrainingStep? {
        try endEvaluation()
        clock.begin()
        guard !isFinished, let batches = try nextBatches() else {
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
        if isDue || isLogged || pending.count == Self.pendingLimit { try exchangeSums() }
        let (now, all) = (stage.firstStep + step, stage.stepsOfRun ?? totalSteps)
        return TrainingStep(
            progress: RunProgress(
                completed: now, total: all, unit: "step", examples: clock.examples, detail: meter.detail),
            metrics: isLogged
                ? meter.flush(step: now, totalSteps: all, epoch: epochNow, stage: stage.name) : nil,
            isEvaluationDue: isDue)
    }

    /// The reason for ending before the last step: no improvement in the last evaluations; `nil` where training did not end
    /// early.
    public var stallNote: String? {
        guard let patience = arguments.earlyStoppingPatience, evaluationsWithoutGain >= patience else {
            return nil
        }
        return
            "Stopped early: \(metricForBest.rawValue) has not improved in \(evaluationsWithoutGain) evaluations."
    }

    /// True if there is nothing left to do.
    var isFinished: Bool { step == totalSteps || stallNote != nil }

    /// True if the last step is to be logged.
    private var isLogged: Bool { step % arguments.loggingSteps == 0 || step == totalSteps }

    /// Reads the results of the steps that are still on the device.
    func readSteps() throws {
        for result in try completed({ try read(unread) }) { meter.add(result, isWhole: processes == nil) }
        unread = []
    }

    /// Returns the micro-batches of the next step.
    private func nextBatches() throws -> [Batch]? {
        if stepInEpoch == stepsPerEpoch {
            epoch += 1
            stepInEpoch = 0
            prefetcher = nil
        }
        let steps = prefetcher ?? prefetchedSteps()
        prefetcher = steps
        return try steps.next().map(onPolicyBatches)
    }

    /// Returns a prefetcher of the rest of the epoch's steps: their batches are read and assembled while the step before is
    /// computed.
    private func prefetchedSteps() -> BatchPrefetcher<[Batch]> {
        let (data, size, start) = (data, arguments.perDeviceTrainBatchSize, stepInEpoch)
        let environment = processes?.environment
        let batches = epochBatches()
        let augmentation = augmentation?.seeded(arguments.seed, epoch: stage.firstEpoch + epoch)
        return BatchPrefetcher { index in
            guard start + index < batches.count else { return nil }
            return try Self.microBatches(
                batches[start + index], of: data, batchSize: size, augmentation: augmentation,
                environment: environment)
        }
    }
}
