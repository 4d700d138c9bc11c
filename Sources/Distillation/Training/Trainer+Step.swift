import Torch
import Transformers

extension Trainer {
    /// One optimiser step over the examples of some passes, and what it showed.
    func trainStep(_ passes: [Batch]) throws -> StepResult { try read([try launch(passes)])[0] }

    /// Computes one optimiser step.
    ///
    /// Each pass counts by its share of the examples, so that several passes give the gradient of one large
    /// batch, also where the last is smaller.
    ///
    /// On the CPU every loss and the gradients' norm are looked at before they are used. Another device would have to be
    /// waited for: there the optimiser passes over all steps from the first on whose loss or gradients are not finite,
    /// and ``read(_:)`` finds it.
    func launch(_ passes: [Batch]) throws -> LaunchedStep {
        let count = passes.reduce(0) { $0 + $1.count }
        let labelled = passes.reduce(0) { $0 + $1.labelledCount }
        try optimizer.clearGradients()
        var launched: [LaunchedStep.Pass] = []
        for pass in passes {
            let share = Double(pass.count) / Double(count)
            let labelledShare = labelled == 0 ? 1 : Double(pass.labelledCount) / Double(labelled)
            launched.append(try accumulate(pass, share: share, labelScale: labelledShare / share))
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
        try averageWeights()
        step += 1
        stepInEpoch += 1
        return LaunchedStep(
            number: step - 1, epoch: epoch, passes: launched, gradNorm: gradNorm, learningRate: learningRate)
    }

    private func averageWeights() throws {
        guard let averages else { return }
        if averages.isDue { try optimizer.synchronize() }
        try averages.update()
    }

    private func accumulate(_ batch: Batch, share: Double, labelScale: Double) throws -> LaunchedStep.Pass {
        let needs = objectives.needs
        let signals = try teacher.map { try $0.outputs(for: batch, needs, device: model.device) }
        try optimizer.prepare(rows: batch.input.inputIDs)
        let student = try model(
            batch.input, dropout: dropout,
            features: FeatureSelection(
                hiddenStates: needs.studentHiddenStates, projections: needs.studentProjections))
        var labels = try batch.batchLabels(device: model.device)
        labels.scale = labelScale
        let terms = try objectives(
            ObjectiveBatch(
                student: ModelOutputs(student), teacher: signals?.outputs, teacherLogits: signals?.logits,
                labels: labels, offsets: batch.input.offsets, indices: batch.indices,
                progress: Double(step) / Double(totalSteps)))
        let pass = LaunchedStep.Pass(
            batch: batch, total: try terms.total.detached(), terms: terms.terms,
            student: try student.logits.detached(), teacher: try signals?.logits.detached())
        if !isAsynchronous {
            try requireFinite(loss: pass.total.item(), pass, terms.values(), step, epoch)
        }
        try (share == 1 ? terms.total : terms.total * share).backward()
        return pass
    }

    /// Checks the loss of a pass.
    ///
    /// - Throws: ``NonFiniteLossError``, which blames the teacher where its outputs are no numbers.
    func requireFinite(
        loss: Double, _ pass: LaunchedStep.Pass, _ terms: NamedValues, _ step: Int, _ epoch: Int
    ) throws {
        guard !loss.isFinite else { return }
        if let theirs = pass.teacher, try !Self.isFinite(theirs) {
            throw NonFiniteLossError(
                description: place(step, epoch)
                    + ": the teacher's outputs are no numbers; its weights are damaged")
        }
        let parts = ["loss \(loss)"] + terms.map { "\($0.name) \($0.value)" }
        throw notFinite(parts.joined(separator: ", "), step, epoch)
    }

    /// The error for a step that is not finite.
    ///
    /// - Parameters:
    ///   - what: What is not.
    ///   - step: Counted from 0; `nil` for the next one.
    ///   - epoch: Its epoch, counted from 0; `nil` for the present one.
    func notFinite(_ what: String, _ step: Int? = nil, _ epoch: Int? = nil) -> NonFiniteLossError {
        let rate = schedule.learningRate(atStep: step ?? self.step)
        return NonFiniteLossError(
            description:
                "\(place(step ?? self.step, epoch ?? self.epoch)): \(what), learning rate \(rate); lower --learning-rate or raise --warmup-steps"
        )
    }

    /// Where training stopped.
    private func place(_ step: Int, _ epoch: Int) -> String {
        "training stopped at step \(min(step + 1, totalSteps)) of \(totalSteps) (epoch \(epoch + 1))"
    }

    private static func isFinite(_ tensor: Tensor) throws -> Bool {
        let values: [Float] = try tensor.detached().to(.float32, .cpu).array()
        return values.allSatisfy(\.isFinite)
    }
}
