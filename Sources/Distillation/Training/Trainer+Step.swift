import Torch
import Transformers

extension Trainer {
    /// Takes one optimizer step over some micro-batches, and reads its result.
    func trainStep(_ microBatches: [Batch]) throws -> StepResult { try read([try launch(microBatches)])[0] }

    /// Launches one optimizer step.
    ///
    /// Each objective's loss of a micro-batch counts by its part of what the loss is a mean over (``LossUnit``), so that
    /// several give the gradient of one large batch, whatever their sizes.
    ///
    /// On the CPU every loss and the gradients' norm are checked before they are used. Another device would have to be
    /// waited for: there the optimizer skips all steps from the first whose loss or gradients are not finite on, and
    /// ``read(_:)`` finds it.
    func launch(_ microBatches: [Batch]) throws -> LaunchedStep {
        let fractions = ObjectiveSum.fractions(
            microBatches.flatMap { ($0.share?.counts ?? [$0.lossCounts]).map(objectives.counts) })
        try optimizer.clearGradients()
        var launched: [LaunchedStep.MicroBatch] = []
        var whole: NamedValues?
        let size = processes?.size ?? 1
        for (index, batch) in microBatches.enumerated() {
            let parts = Array(fractions[index * size..<(index + 1) * size])
            let (microBatch, loss) = try forward(batch, parts)
            launched.append(microBatch)
            if let processes, index == microBatches.count - 1 {
                whole = try reduced(launched, loss, processes)
            } else {
                try loss.backward()
            }
        }
        let learningRate = schedule.learningRate(atStep: step)
        let maxNorm = arguments.maxGradNorm > 0 ? arguments.maxGradNorm : .infinity
        let gradNorm: LaunchedStep.Norm
        if isAsynchronous {
            let losses = launched.map(\.total)
            gradNorm = .tensor(
                try optimizer.stepWithoutWaiting(learningRate: learningRate, maxNorm: maxNorm, losses: losses)
            )
        } else {
            let norm = try optimizer.clipGradients(maxNorm: maxNorm)
            guard norm.isFinite else { throw notFinite("the gradients' norm is \(norm)", step, epoch) }
            try optimizer.step(learningRate: learningRate)
            gradNorm = .number(norm)
        }
        try model.refreshWeights()
        try averageWeights()
        step += 1
        stepInEpoch += 1
        return LaunchedStep(
            number: step - 1, epoch: epoch, microBatches: launched, gradNorm: gradNorm,
            learningRate: learningRate, whole: whole)
    }

    private func averageWeights() throws {
        guard let averages else { return }
        if averages.isDue { try optimizer.synchronize() }
        try averages.update()
    }

    /// Computes a micro-batch's loss, from which gradients are to flow.
    ///
    /// - Parameter parts: The fraction of the step that each objective's loss counts for, of the part of each process.
    private func forward(_ batch: Batch, _ parts: [[Double]]) throws -> (LaunchedStep.MicroBatch, Tensor) {
        let fractions = parts[processes?.rank ?? 0]
        dropout.before = batch.share?.before ?? DropoutState.Before()
        let needs = objectives.needs
        let signals = try teacher.map { try $0.outputs(for: batch, needs, device: model.device) }
        try optimizer.prepare(rows: batch.input.inputIDs)
        let student = try model(
            batch.input,
            ForwardOptions(
                precision: precision, dropout: dropout,
                features: FeatureSelection(
                    hiddenStates: needs.studentHiddenStates, projections: needs.studentProjections),
                stopsBeforeHead: data.problemType.predictsTokens,
                recomputes: arguments.gradientCheckpointing ?? false))
        let terms = try objectives(
            ObjectiveBatch(
                student: student, teacher: signals?.outputs, teacherLogits: signals?.logits,
                labels: try batch.batchLabels(device: model.device), offsets: batch.input.offsets,
                indices: batch.indices,
                progress: Double(step) / Double(totalSteps),
                vocabulary: try vocabulary(batch, signals?.logits),
                exchange: processes.flatMap { processes in
                    batch.share.map { BatchExchange(group: processes.group, share: $0) }
                }, isStudentText: batch.isStudentText), fractions: fractions,
            wholes: parts.dropFirst().reduce(parts[0]) { zip($0, $1).map(+) })
        let microBatch = LaunchedStep.MicroBatch(
            batch: batch,
            fractions: Dictionary(zip(objectives.terms.map(\.name), fractions)) { first, _ in first },
            total: try terms.counted.detached(), terms: terms.terms,
            student: try terms.statistics ?? student.logits.detached(),
            teacher: try signals?.logits.detached())
        if !isAsynchronous, processes == nil {
            try requireFinite(loss: microBatch.total.item(), microBatch, terms.values(), step, epoch)
        }
        return (microBatch, terms.total)
    }

    /// What a language model's terms read; `nil` for other models.
    private func vocabulary(_ batch: Batch, _ teacherStates: Tensor?) throws -> VocabularyBatch? {
        guard data.problemType.predictsTokens else { return nil }
        let distribution = try teacherStates.flatMap {
            try teacher?.distribution(in: $0, isLive: batch.isStudentText)
        }
        let spans = distribution?.head.flatMap { teacher?.spans?.batch(batch.indices, teacher: $0) }
        return VocabularyBatch(
            weight: try model.languageModelHead, teacher: spans == nil ? distribution : nil,
            dtype: precision.resolved(on: model.device).dtype, spans: spans)
    }

    /// Checks the loss of a micro-batch.
    ///
    /// - Throws: ``NonFiniteLossError``, which blames the teacher where its outputs are no numbers.
    func requireFinite(
        loss: Double, _ microBatch: LaunchedStep.MicroBatch, _ terms: NamedValues, _ step: Int, _ epoch: Int
    ) throws {
        guard !loss.isFinite else { return }
        if let theirs = microBatch.teacher, try !Self.isFinite(theirs) {
            throw NonFiniteLossError(
                description: stopText(step, epoch)
                    + ": the teacher's outputs are no numbers; its weights are damaged")
        }
        let parts = ["loss \(loss)"] + terms.map { "\($0.name) \($0.value)" }
        throw notFinite(parts.joined(separator: ", "), step, epoch)
    }

    /// Makes the error for a step that is not finite.
    ///
    /// - Parameters:
    ///   - what: The value that is not finite, in words.
    ///   - step: Counted from 0; `nil` for the next one.
    ///   - epoch: Its epoch, counted from 0; `nil` for the current one.
    func notFinite(_ what: String, _ step: Int? = nil, _ epoch: Int? = nil) -> NonFiniteLossError {
        let rate = schedule.learningRate(atStep: step ?? self.step)
        return NonFiniteLossError(
            description:
                "\(stopText(step ?? self.step, epoch ?? self.epoch)): \(what), learning rate \(rate); lower --learning-rate or raise --warmup-steps"
        )
    }

    /// The step and epoch at which training stopped, in words.
    private func stopText(_ step: Int, _ epoch: Int) -> String {
        "training stopped at step \(min(step + 1, totalSteps)) of \(totalSteps) (epoch \(epoch + 1))"
    }

    private static func isFinite(_ tensor: Tensor) throws -> Bool {
        let values: [Float] = try tensor.detached().to(.float32, .cpu).array()
        return values.allSatisfy(\.isFinite)
    }
}
