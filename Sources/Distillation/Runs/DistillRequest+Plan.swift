import Transformers

extension DistillRequest {
    /// The objectives of a run that describes none: the softened outputs of the teacher, and the labels.
    func defaultObjectives(_ problemType: TaskIdentifier) -> [ObjectiveSpecification] {
        let task = problemType.definition
        let soft = ObjectiveSpecification(
            task.softObjective, weight: alpha,
            options: task.outputs == .real || task.embedsTexts
                ? [:] : ["temperature": temperature(of: task).description])
        // A text's vector has no label of its own.
        // A ranker's labels are on another scale than its teacher's scores.
        if task.embedsTexts || task.ranksDocuments && statedAlpha == nil {
            return [ObjectiveSpecification(task.softObjective)]
        }
        if onPolicy != nil, task.predictsTokens {
            return onPolicyObjectives(problemType, temperature: temperature(of: task))
        }
        let labels = training.labelObjective(problemType, weight: alpha.map { 1 - $0 })
        return alpha == 1 ? [soft] : [soft, labels]
    }

    /// The temperature of the default objectives: a vocabulary has many tokens that no text would have, which a high one brings up.
    private func temperature(of task: any LearningTask) -> Schedule {
        statedTemperature ?? (task.predictsTokens ? 1 : temperature)
    }

    /// The request with the defaults that its task decides, where they apply: a request that names them is the same run.
    func resolved(for task: TaskIdentifier) -> DistillRequest {
        var request = self
        let definition = task.definition
        if usesDefaultObjectives, definition.outputs != .real, definition.outputs != .vector {
            request.statedTemperature = temperature(of: definition)
            if onPolicy == nil { request.statedAlpha = alpha }
        }
        if student.directory == nil, student.table == nil {
            request.student.statedInitialization = student.initialization(for: task)
        }
        if student.table == nil { request.student.dropout = student.dropout(for: task) }
        return request
    }

    /// The stages of the run: those described, or one.
    func plan(_ problemType: TaskIdentifier) -> [TrainingStage] {
        if !stages.isEmpty { return stages }
        return [
            TrainingStage(
                objectives: objectives.isEmpty ? defaultObjectives(problemType) : objectives)
        ]
    }

    /// Checks the settings that not every task has.
    ///
    /// - Throws: ``DistillationError``, which names the setting.
    func requireFitting(_ task: TaskIdentifier) throws {
        try training.requireFitting(task)
        try data.requireFitting(task)
        try requireDefaultObjectives()
        guard student.scoreActivation == nil || task.definition.ranksDocuments else {
            throw DistillationError(
                "score_activation makes a ranker's score of its logit, and the teacher is a model for \(task.rawValue); leave it out"
            )
        }
        try requireAdaptable(task)
        let outputs = task.definition.outputs
        guard statedTemperature == nil || !usesDefaultObjectives || outputs != .real && outputs != .vector
        else {
            throw DistillationError(
                "temperature softens probabilities, and the outputs of a model for \(task.rawValue) are none; leave it out, or name "
                    + "objectives with options of their own")
        }
        guard onPolicy == nil || task.predictsTokens else {
            throw DistillationError(
                "--on-policy lets a language model write texts, but the teacher is one for \(task.rawValue); leave it out"
            )
        }
        guard task.embedsTexts else {
            for (name, isGiven) in [
                ("--embedding-size", student.embeddingSize != nil),
                ("--projection", student.projection != nil),
                ("--pooling", student.pooling != nil), ("--pca", student.usesPCA),
                ("--validation-retrieval", retrieval != nil),
                ("--translation-column", !data.columns.translationColumns.isEmpty),
            ] where isGiven {
                throw DistillationError(
                    "\(name) is for models for embeddings, but the teacher is one for \(task.rawValue); leave it out"
                )
            }
            return
        }
        guard student.table?.classifierHiddenSize == nil else {
            throw DistillationError(
                "classifier_hidden_size is the width of a classifier's layer, and the teacher is a model for embeddings; leave it out"
            )
        }
        try requireEmbeddingTeachers()
        try requireMeasured()
        guard !baseline else {
            throw DistillationError(
                "--baseline trains the student on labels alone, but texts' vectors have none; leave it out, and compare the student "
                    + "with what it was before: distill evaluate")
        }
        guard !student.usesPCA || student.embeddingSize != nil && student.projection != .drop else {
            throw DistillationError(
                "--pca teaches as many principal components as --embedding-size says; give that, and leave --projection drop out"
            )
        }
        guard statedAlpha == nil || alpha == 1 || !usesDefaultObjectives else {
            throw DistillationError(
                "alpha is \(alpha), but a text's vector has no label beside its teacher's to weigh against; leave it out"
            )
        }
    }

    /// Checks that what belongs to the default objectives is not given beside others.
    ///
    /// - Throws: ``DistillationError``, which names the setting.
    private func requireDefaultObjectives() throws {
        for (name, isStated) in [("alpha", statedAlpha != nil), ("temperature", statedTemperature != nil)]
        where isStated && !usesDefaultObjectives {
            throw DistillationError(
                "\(name) is of the default objectives, and this run names its own; leave it out, and give each objective its weight and "
                    + "options, such as 'kl(weight = 0.7, temperature = 4)'")
        }
        for (name, isStated) in [
            ("class_weights", training.classWeights != nil),
            ("label_smoothing_factor", training.labelSmoothingFactor != 0),
        ] where isStated && !usesDefaultObjectives && !baseline {
            throw DistillationError(
                "\(name) is of the default loss on the labels, and this run names its own objectives; leave it out, and give the objective "
                    + "its options, such as 'cross_entropy(weight = 0.3, label_smoothing = 0.1)'")
        }
    }

    /// Checks that low-rank adapters are those of trained weights.
    ///
    /// - Throws: ``DistillationError`` for a student that begins at random, whose weights would stay so.
    private func requireAdaptable(_ task: TaskIdentifier) throws {
        guard training.lora != nil, student.directory == nil, student.table == nil,
            student.initialization(for: task) == .random
        else { return }
        throw DistillationError(
            "--lora-rank trains adapters beside weights that stay as they are, and those of a student that starts at random (--init random, "
                + "or no --init) would never be trained; give --init teacher-layers or another start, a model with --student, or leave "
                + "--lora-rank out")
    }

    /// Checks what several teachers for embeddings can be.
    ///
    /// - Throws: ``DistillationError``, which names the setting.
    private func requireEmbeddingTeachers() throws {
        guard scores.isEmpty || pairScoresColumn != nil else {
            throw DistillationError(
                "--teacher-scores: scores teach text classifiers, but the teacher gives texts vectors; leave them out"
            )
        }
        guard combination == .probabilities else {
            throw DistillationError(
                "--teacher-combination \(combination.rawValue): the vectors of several teachers stand one after another; leave it out, and "
                    + "weigh them with --teacher-weights")
        }
    }

    /// True if the default objectives apply, weighted by alpha and temperature.
    var usesDefaultObjectives: Bool { stages.isEmpty && objectives.isEmpty }

    /// Validates every setting by itself.
    ///
    /// - Throws: ``InterruptedError`` only: whatever is wrong is among the findings.
    func validate(_ findings: Diagnostics) throws {
        try findings.attempt { try training.validate() }
        try findings.attempt { try data.validate() }
        try findings.attempt { try student.validate() }
        try findings.attempt { try card.validate() }
        try findings.attempt { try ReportExamples.validate(reportExamples) }
        try findings.attempt { try checkpoints.validate() }
        func require(_ holds: Bool, _ message: @autoclosure () -> String) throws {
            try findings.attempt { if !holds { throw DistillationError(message()) } }
        }
        try require(
            !teachers.isEmpty || !scores.isEmpty,
            "there is no teacher; give one with --teacher, or its scores with --teacher-scores")
        try findings.attempt { try training.lora?.requireBase(student.directory) }
        try findings.attempt { try requireScoresFit() }
        try findings.attempt { try requirePairScoresFit() }
        try findings.attempt { try requireLogprobsFit() }
        try findings.attempt { try requireOnPolicyFits() }
        for teacher in teachers {
            try require(
                teacher.weight > 0 && teacher.weight.isFinite,
                "\(teacher.directory.path): a teacher's weight must be above 0, got \(teacher.weight)")
        }
        try findings.attempt { try SettingLimits.require(seeds, "seeds", to: SettingLimits.repetitions) }
        let rule = temperature.temperatureRule
        try require(
            rule == nil, "temperature \(rule ?? ""), got \(temperature); usual values are 2 to 10")
        try require(
            alpha.extremes.allSatisfy { (0...1).contains($0) },
            "alpha must be from 0 (labels alone) to 1 (teacher alone), got \(alpha)")
        try require(
            stages.isEmpty || objectives.isEmpty,
            "give objectives either by themselves or in stages, not both")
        for (index, stage) in stages.enumerated() {
            let name = stage.name ?? String(index + 1)
            try require(!stage.objectives.isEmpty, "stage \(name) has no objectives")
            try findings.attempt {
                do { try stage.arguments(training).validate() } catch let error as DistillationError {
                    throw DistillationError("stage \(name): \(error.description)")
                }
            }
        }
        // Names and options are checked here, models later.
        for specification in objectives + stages.flatMap(\.objectives) {
            try findings.attempt { _ = try registry.make(specification) }
        }
    }
}
