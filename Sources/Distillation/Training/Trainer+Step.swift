import Torch
import Transformers

/// The loss, or a gradient, was infinite or not a number.
public struct NonFiniteLossError: Error, Equatable, Sendable, CustomStringConvertible {
    public let description: String
}

extension Trainer {
    /// One optimiser step over the examples of some passes.
    ///
    /// Each pass counts by its share of the examples, so that several passes give the gradient of one large
    /// batch, also where the last is smaller.
    func trainStep(_ passes: [Batch]) throws -> StepResult {
        var stepSums = MetricSums()
        let count = passes.reduce(0) { $0 + $1.count }
        let labelled = passes.reduce(0) { $0 + $1.labelledCount }
        try optimizer.clearGradients()
        for pass in passes {
            let share = Double(pass.count) / Double(count)
            let labelledShare = labelled == 0 ? 1 : Double(pass.labelledCount) / Double(labelled)
            try accumulate(pass, share: share, labelScale: labelledShare / share, into: &stepSums)
        }
        let learningRate = schedule.learningRate(atStep: step)
        let maxNorm = arguments.maxGradNorm > 0 ? arguments.maxGradNorm : .infinity
        let gradNorm = try optimizer.clipGradients(maxNorm: maxNorm)
        guard gradNorm.isFinite else { throw notFinite("the gradients' norm is \(gradNorm)") }
        try optimizer.step(learningRate: learningRate)
        try averageWeights()
        step += 1
        stepInEpoch += 1
        sums.merge(stepSums)
        return StepResult(
            examples: count, sums: stepSums, gradNorm: gradNorm, learningRate: learningRate)
    }

    private func averageWeights() throws {
        guard let averages else { return }
        if averages.isDue { try optimizer.synchronize() }
        try averages.update()
    }

    private func accumulate(
        _ batch: Batch, share: Double, labelScale: Double, into stepSums: inout MetricSums
    ) throws {
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
        let loss = try terms.total.item()
        guard loss.isFinite else {
            if let theirs = signals?.logits, try !Self.isFinite(theirs) {
                throw NonFiniteLossError(
                    description: place + ": the teacher's outputs are no numbers; its weights are damaged")
            }
            let parts = ["loss \(loss)"] + terms.values.map { "\($0.name) \($0.value)" }
            throw notFinite(parts.joined(separator: ", "))
        }
        try (share == 1 ? terms.total : terms.total * share).backward()
        stepSums.add(terms, total: loss, count: batch.count)
        try stepSums.statistics.add(batch, student: student.logits, teacher: signals?.logits)
    }

    func notFinite(_ what: String) -> NonFiniteLossError {
        let rate = schedule.learningRate(atStep: step)
        return NonFiniteLossError(
            description:
                "\(place): \(what), learning rate \(rate); lower --learning-rate or raise --warmup-steps")
    }

    /// Where training stopped.
    private var place: String {
        "training stopped at step \(min(step + 1, totalSteps)) of \(totalSteps) (epoch \(epoch + 1))"
    }

    private static func isFinite(_ tensor: Tensor) throws -> Bool {
        let values: [Float] = try tensor.detached().to(.float32, .cpu).array()
        return values.allSatisfy(\.isFinite)
    }
}

extension TrainingStatistics {
    /// Adds a batch: logits (B, C).
    mutating func add(_ batch: Batch, student: Tensor, teacher: Tensor?) throws {
        let classes = try student.size(1)
        func logits(_ tensor: Tensor) throws -> Logits {
            Logits(values: try tensor.detached().to(.float32, .cpu).array(), classes: classes)
        }
        let (own, theirs) = (try logits(student), try teacher.map(logits))
        switch batch.targets {
        case .classes(let classes, _): add(student: own, teacher: theirs, classes: classes)
        case .sets(let sets, _): add(student: own, teacher: theirs, sets: sets)
        case .values(let values): add(student: own, teacher: theirs, values: values)
        }
    }
}
