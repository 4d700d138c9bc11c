import Torch
import Transformers

/// Provides all teachers' outputs: from the cache where they are there, and computed otherwise.
struct TeacherRun {
    let setup: DistillationSetup
    let context: RunContext

    private var log: RunLog { context.log }

    /// The outputs of all teachers together.
    struct Outputs {
        let train: any TeacherOutputs
        /// `nil` where the teacher's scores are not of the validation data.
        let validation: Logits?
        let test: Logits?
        /// Of a language model the hidden states behind ``validation`` and ``test``, beside which a student is evaluated.
        var validationStates: TeacherStates?
        var testStates: TeacherStates?
        /// What the teacher's vectors were projected to; `nil` where they are as the teacher gives them.
        var components: PrincipalComponents?
        /// A language model's statistics of its own tokens, where the student's are others.
        var alone: (validation: Logits?, test: Logits?) = (nil, nil)
        /// The mean mass that the teacher gives to tokens that the student lacks, on the validation data; `nil` where it has all.
        var lostMass: Double?
    }

    private struct Counts {
        var (cached, computed, done) = (0, 0, 0)
        var told: ToldTeacher?
    }

    /// Computes the outputs, those for the validation data first, so that a poor teacher shows at once.
    ///
    /// - Throws: ``InterruptedError`` where it was stopped; what was computed is kept.
    func outputs() throws -> Outputs {
        var counts = Counts()
        counts.told = try setup.request.teacherLogprobs.isEmpty ? nil : ToldTeacher(setup, log)
        // Outputs for evaluation are computed in float32, those for training in the training's precision.
        let spanned = setup.teachers.first { $0.spans != nil }
        let alone = try spanned.map { try evaluatedAlone($0, &counts) }
        let validation = try spanned == nil ? evaluated(&counts, setup.data.validation, .validation) : nil
        if let rows = validation?.rows, setup.data.validation.targets.canAssess {
            log.send(Finding(TeacherAssessment(rows, targets: setup.data.validation.targets)))
        }
        let test =
            try spanned == nil ? setup.data.test.flatMap { try evaluated(&counts, $0.dataset, .test) } : nil
        guard let train = try joined(setup.request.precision, &counts, .train) else {
            throw DistillationError("the teacher's outputs for the training data are missing")
        }
        for finding in try setup.pairFindings(train) { log.send(finding) }
        if setup.request.cache.teacherOutputs, counts.told == nil, !setup.teachers.isEmpty {
            log.send(
                .note(
                    "\(counts.cached) of the teacher's \(total) outputs came from the cache or from equal texts, "
                        + "\(counts.computed) were computed."))
        }
        var outputs = Outputs(
            train: train, validation: validation?.rows, test: test?.rows,
            validationStates: validation?.states, testStates: test?.states, lostMass: validation?.lostMass)
        outputs.alone = alone ?? (nil, nil)
        return try projected(outputs)
    }

    /// What a language model tells of its own tokens of the data that models are evaluated on; those of a student with another
    /// tokenizer are others.
    private func evaluatedAlone(
        _ teacher: LoadedTeacher, _ counts: inout Counts
    ) throws -> (validation: Logits?, test: Logits?) {
        func rows(_ part: RunData.Part) throws -> Logits? {
            guard let own = teacher.data.dataset(part), let head = setup.teacherHead,
                let outputs = try joined(.float32, &counts, part)
            else { return nil }
            return try TeacherStates(states: outputs, coding: setup.request.teacherForm, weight: head)
                .statistics(own, batchSize: setup.request.training.perDeviceEvalBatchSize)
        }
        let validation = try rows(.validation)
        if let validation, teacher.data.validation.targets.canAssess {
            log.send(Finding(TeacherAssessment(validation, targets: teacher.data.validation.targets)))
        }
        return (validation, try rows(.test))
    }

    /// The outputs by their principal components, where that is asked for.
    private func projected(_ outputs: Outputs) throws -> Outputs {
        guard setup.request.student.usesPCA, let count = setup.request.student.embeddingSize else {
            return outputs
        }
        let components = try PrincipalComponents(
            fitting: outputs.train, count: count,
            normalizes: setup.teachersNormalize)
        log.send(
            .note(
                String(
                    format:
                        "The first %d principal components of the teacher's vectors have %.1f %% of their variance.",
                    count,
                    components.explained * 100)))
        return Outputs(
            train: try components.projecting(outputs.train),
            validation: try outputs.validation.map { try components.projecting($0).logits() },
            test: try outputs.test.map { try components.projecting($0).logits() },
            components: components)
    }

    /// The teacher's rows for data that models are evaluated on, and of a language model the states they come from; `nil` where
    /// its scores are not of these data.
    private func evaluated(
        _ counts: inout Counts, _ dataset: EncodedDataset, _ part: RunData.Part
    ) throws -> (rows: Logits, states: TeacherStates?, lostMass: Double?)? {
        guard let outputs = try joined(.float32, &counts, part) else { return nil }
        guard setup.problemType.definition.predictsTokens, let teacher = setup.teachers.first,
            let head = setup.teacherHead
        else {
            return (try outputs.logits(), nil, nil)
        }
        let size = setup.request.training.perDeviceEvalBatchSize
        let states = TeacherStates(states: outputs, coding: setup.request.teacherForm, weight: head)
        let rows = try states.statistics(dataset, batchSize: size)
        guard teacher.vocabulary != nil, let own = teacher.data.dataset(part) else {
            return (rows, states, nil)
        }
        // The teacher itself is told of with all of its tokens.
        let whole = try TeacherStates(
            states: outputs, coding: setup.request.teacherForm,
            weight: teacher.classifier.model.languageModelHead
        ).statistics(own, batchSize: size)
        return (whole, states, TeacherVocabulary.lostMass(whole: whole, own: rows))
    }

    private func size(_ data: RunData) -> Int {
        data.train.count + data.validation.count + (data.test?.dataset.count ?? 0)
    }

    private var total: Int { setup.teachers.reduce(0) { $0 + size($1.data) } }

    /// All teachers' outputs for a part of the data, as one; `nil` where the scores of one are not of it.
    private func joined(
        _ precision: Precision, _ counts: inout Counts, _ part: RunData.Part
    ) throws -> (any TeacherOutputs)? {
        if let told = counts.told, let dataset = setup.data.dataset(part) {
            return try told.outputs(for: dataset)
        }
        let told = setup.scores.compactMap { source in
            setup.outputs(of: source, part).map {
                TeacherEnsemble.Member(outputs: $0, weight: source.request.weight, columns: nil)
            }
        }
        guard told.count == setup.scores.count else { return nil }
        if setup.request.pairScoresColumn != nil { return try setup.givenScores(part) }
        let members =
            try setup.teachers.compactMap { source in
                try source.data.dataset(part).map {
                    TeacherEnsemble.Member(
                        outputs: try outputs(source.classifier, $0, precision, &counts),
                        weight: source.request.weight, columns: source.columns)
                }
            } + told
        if setup.problemType.definition.embedsTexts, members.count > 1 {
            return JoinedVectors(members.map { ($0.outputs, $0.weight) })
        }
        let joined = TeacherEnsemble.joining(
            members, combination: setup.request.combination, problemType: setup.problemType)
        return try setup.byText(joined, part)
    }

    private func outputs(
        _ teacher: LoadedModel, _ dataset: EncodedDataset, _ precision: Precision,
        _ counts: inout Counts
    ) throws -> any TeacherOutputs {
        let request = setup.request
        let labeler = TeacherInference(
            teacher: teacher, batchSize: request.training.perDeviceEvalBatchSize, precision: precision,
            processes: context.processes, coding: request.teacherForm)
        let root = request.cache.teacherOutputs ? request.cache.root : nil
        let store = try root.map {
            OutputStore(
                root: $0,
                identity: try TeacherIdentity(
                    teacher, precision: precision, coding: request.teacherForm, memo: DigestMemo(root: $0)),
                isReadOnly: !context.processes.isFirst)
        }
        let used = store ?? OutputStore(teacher.outputForm(request.teacherForm))
        let (done, total) = (counts.done, total)
        let result = try labeler.outputs(
            for: dataset, in: used, onProgress: { log.progress(done + $0, of: total) },
            shouldStop: context.shouldStop)
        for warning in used.warnings { log.warnOnce(warning) }
        guard let result else {
            if used.isPersistent {
                log.send(.note("The outputs computed so far are kept; the next run goes on from there."))
            }
            throw InterruptedError(used.isPersistent ? "no model was saved" : "nothing was saved")
        }
        counts.done += dataset.count
        counts.cached += result.cached
        counts.computed += result.computed
        return result.outputs
    }
}
