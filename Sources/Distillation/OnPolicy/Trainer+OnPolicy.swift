import Torch

/// Steps on texts that the student writes.
extension Trainer {
    /// The next step of the run, counted from 0.
    private var stepOfRun: Int { stage.firstStep + step }

    /// The texts that were written for the next step too; `nil` where it begins with new ones.
    var pendingTexts: StudentTexts? { texts.flatMap { $0.steps.contains(stepOfRun) ? $0 : nil } }

    /// Puts the student's own texts in the place of the data's, where the next step is taken on them.
    ///
    /// - Parameter batches: The step's micro-batches of the data.
    func onPolicyBatches(insteadOf batches: [Batch]) throws -> [Batch] {
        guard let writer, writer.isDrawn(step: stepOfRun, seed: arguments.seed) else { return batches }
        let texts = try pendingTexts ?? writeTexts(writer)
        self.texts = texts
        guard let own = texts.texts[stepOfRun] else {
            throw DistillationError("the student's texts for step \(stepOfRun + 1) are missing")
        }
        return try Self.microBatches(
            Array(own.indices), of: writer.dataset(own), batchSize: arguments.perDeviceTrainBatchSize,
            environment: processes?.environment
        ).map { batch in
            var batch = batch
            batch.isStudentText = true
            return batch
        }
    }

    /// Lets the model as it is write the texts of the next steps, up to where they are written anew.
    private func writeTexts(_ writer: StudentWriter) throws -> StudentTexts {
        let refresh = writer.options.refreshSteps
        let end = min(
            stepInEpoch - stepInEpoch % refresh + refresh, stepsPerEpoch, stepInEpoch + totalSteps - step)
        let batches = epochBatches()
        var (prompts, lengths) = ([[Int32]](), [(step: Int, count: Int)]())
        for place in stepInEpoch..<end {
            let step = stepOfRun + place - stepInEpoch
            guard writer.isDrawn(step: step, seed: arguments.seed) else { continue }
            let indices = data.examples(ofUnits: batches[place])
            prompts += try indices.map { try writer.prompt(of: $0, in: data) }
            lengths.append((step, indices.count))
        }
        // Rows of the embedding table may wait for their updates.
        try optimizer.synchronize()
        var written = try writer.write(
            prompts, model: model, precision: precision,
            seed: StudentWriter.textSeed(step: stepOfRun, seed: arguments.seed), processes: processes)[...]
        var texts: [Int: [StudentText]] = [:]
        for (step, count) in lengths {
            texts[step] = Array(written.prefix(count))
            written = written.dropFirst(count)
        }
        return StudentTexts(steps: stepOfRun..<stepOfRun + end - stepInEpoch, texts: texts)
    }
}
