import Datasets
import Foundation
import Tokenizers
import Torch
import Transformers

/// Checks, before the first step, for anything that keeps a run from beginning or would spoil it silently.
struct Preflight {
    let setup: DistillationSetup
    let builder: StudentBuilder
    let findings: Diagnostics

    private var request: DistillRequest { setup.request }
    private var data: RunData { setup.data }

    /// - Parameters:
    ///   - checksObjectives: True if the settings are sound enough to prepare the objectives.
    ///   - runsTeacher: True to evaluate the teacher on the validation data; a run does so anyway.
    ///   - log: Times the checks.
    /// - Returns: The student that was built for the checks; `nil` where it cannot be.
    /// - Throws: ``InterruptedError``.
    @discardableResult
    func run(checksObjectives: Bool, runsTeacher: Bool, log: RunLog) throws -> StudentBuilder.Student? {
        let student =
            try builder.fits
            ? log.phase("Fitting the student to its teacher") { try findings.attempt { try builder.build() } }
            : findings.attempt { try builder.build() }
        try log.phase("Checking the set-up") {
            if let student {
                try check(student.model, objectives: checksObjectives)
                checkVectors(student.model.configuration)
            }
            checkSettings()
            try checkClasses()
            try checkLengths()
            try checkTexts(showsExample: runsTeacher)
            try checkOverlap()
            try checkPairs(student?.model.configuration)
        }
        if runsTeacher {
            try log.phase("Evaluating the teacher") { try evaluateTeacher(log) }
        }
        return student
    }

    // MARK: - Models

    private func check(_ student: TransformerModel, objectives: Bool) throws {
        let own = student.parameters.elementCount
        let largest = setup.teachers.map(\.classifier.model.parameters.elementCount).max() ?? 0
        if own >= largest, request.teacherLogprobs.isEmpty, !setup.teachers.isEmpty {
            findings.add(
                .warning,
                "The student has \(own) parameters, the teacher \(largest): it will not be smaller. "
                    + "Choose fewer --layers or a smaller --hidden-size.")
        }
        if let reason = setup.tokensDiffer, setup.teachers.first?.spans == nil {
            findings.add(
                .note, "Only losses on logits can be used, as \(reason).")
        }
        checkMemory(student)
        checkSpace(student)
        if let augmentation = request.augmentation {
            try findings.attempt { try augmentation.with(setup.tokenizer) }
        }
        // Each stage's objectives are checked against both models.
        guard objectives else { return }
        let width =
            setup.teachesPairScores
            ? 1
            : request.student.usesPCA
                ? request.student.embeddingSize ?? data.labels.count : setup.teacherWidth ?? data.labels.count
        let placeholder = Logits(values: [Float](repeating: 0, count: width), classes: width)
        var signals = TeacherSupervision(
            logits: placeholder, model: setup.tokensDiffer == nil ? setup.teacher?.model : nil,
            tokensDiffer: setup.tokensDiffer, outputWeight: setup.teacherHead,
            states: request.teacherForm, hasLogits: setup.hasLogits,
            scoresPairs: setup.teachesPairScores)
        signals.spans = setup.teachers.first?.spans
        signals.isEvaluated = signals.spans == nil
        var plan = TrainingPlan(
            model: student, stages: request.plan(setup.problemType), registry: request.registry,
            train: data.train, validation: data.validation, teacher: (signals, placeholder, nil),
            augmentation: request.augmentation, arguments: request.training, precision: .float32)
        plan.writer = try findings.attempt { try StudentWriter(setup) } ?? nil
        if let note = request.onPolicyNote { findings.record(.note, note) }
        for stage in plan.stages { try findings.attempt { try plan.check(stage) } }
    }

    private func checkMemory(_ student: TransformerModel) {
        let lengths = data.train.unitLengths
        let estimate = MemoryEstimate(
            student: student, teachers: setup.teachers.map(\.classifier.model),
            tokens: Int(lengths.max() ?? 0) * request.training.perDeviceTrainBatchSize,
            evaluationTokens: Int(lengths.max() ?? 0) * request.training.perDeviceEvalBatchSize,
            arguments: request.training)
        if let available = MemoryEstimate.available, request.device.kind == .cpu, estimate.bytes > available {
            findings.add(
                .warning,
                "The run may need \(gigabytes(estimate.bytes)) of memory, the machine has "
                    + "\(gigabytes(available)) free: choose a smaller --per-device-train-batch-size with "
                    + "--gradient-accumulation-steps, or a smaller --max-length.")
        }
    }

    /// Checks that the disk has room for the student: otherwise it would be trained in vain.
    private func checkSpace(_ student: TransformerModel) {
        let bytes = OutputSpace.bytes(of: student, tokenizerDirectory: setup.tokenizerDirectory)
        let problem = OutputSpace.problem(
            at: request.output, bytes: bytes, isRepeated: true, overwrite: request.overwrite)
        if let problem { findings.add(.error, problem) }
    }

    private func gigabytes(_ bytes: Int) -> String { String(format: "%.1f GB", Double(bytes) / 1e9) }

    /// Most families distinguish the texts of a pair by the separators between them; where a family was trained with token
    /// types, a model with only one may have learned less.
    private func checkPairs(_ student: ModelConfiguration?) throws {
        guard data.train.hasPairs || data.validation.hasPairs else { return }
        let models =
            setup.teachers.map {
                (
                    $0.classifier.directory.path, Optional($0.classifier.model.configuration),
                    $0.classifier.tokenizer
                )
            } + [(request.student.directory?.path ?? "the student", student, setup.tokenizer)]
        for (name, configuration, tokenizer) in models {
            guard configuration?.typeVocabSize == 1, tokenizer.givesSegments(pairs: true) else { continue }
            findings.add(
                .warning,
                "\(name): the data has pairs of texts and the tokenizer numbers them, but type_vocab_size is 1: the model "
                    + "distinguishes them by the separators alone")
        }
    }

    // MARK: - Settings

    private func checkSettings() {
        let training = request.training
        let size = training.perDeviceTrainBatchSize * training.gradientAccumulationSteps
        if size < 8 {
            findings.add(
                .warning,
                "An optimizer step sees \(size) examples: so few make the teacher's signal noisy. "
                    + "Use a --per-device-train-batch-size or --gradient-accumulation-steps of 8 examples or more."
            )
        }
        let stages = request.plan(setup.problemType)
        let between = stages.flatMap(\.objectives).map(\.name).filter { Self.relations.contains($0) }
        if let name = between.first, training.perDeviceTrainBatchSize < 8 {
            findings.add(
                .warning,
                "\(name) compares the examples of a micro-batch of \(training.perDeviceTrainBatchSize): too few for "
                    + "their relations to mean anything. Use a --per-device-train-batch-size of 16 or more.")
        }
        guard request.usesDefaultObjectives else { return }
        let hasProbabilities = setup.problemType.definition.outputs != .real
        if request.alpha == 0 {
            findings.add(
                .warning, "alpha is 0: nothing is learned from the teacher. `distill finetune` does the same."
            )
        }
        if let cold = request.temperature.extremes.min(), cold < 1, hasProbabilities {
            findings.add(
                .warning,
                "A temperature of \(cold) sharpens the teacher's predictions into labels; usual values are 1 to 10."
            )
        }
        if let hot = request.temperature.extremes.max(), hot > 50, hasProbabilities {
            findings.add(
                .warning,
                "A temperature of \(hot) flattens the teacher's predictions: the loss compares little more than the "
                    + "logits' means; usual values are 1 to 10.")
        }
    }

    /// The objectives that compare the examples of a batch with one another.
    private static let relations: Set<String> = [
        "rkd_distance", "rkd_angle", "similarity_preserving", "infonce", "dist",
        "similarity_mse", "similarity_rank",
    ]

    // MARK: - Data

    private func checkClasses() throws {
        guard setup.problemType.definition.outputs == .softmax, data.train.labeledCount > 0 else { return }
        let (names, counts) = (data.labels.names, data.train.classCounts)
        let missing = names.indices.filter { !counts.indices.contains($0) || counts[$0] == 0 }.map {
            names[$0]
        }
        if !missing.isEmpty {
            findings.add(
                .warning,
                "The training data has no example of \(missing.count) of the teacher's \(names.count) labels "
                    + "(\(missing.prefix(5).joined(separator: ", "))): check that the labels of data and teacher "
                    + "mean the same.")
        }
        if !data.train.hasWordRows, try findings.attempt({ try labelsAreNumbers() }) == true {
            findings.add(
                .note,
                "The data's labels are numbers, taken for the teacher's labels in their order: "
                    + names.prefix(8).enumerated().map { "\($0.offset) is \($0.element)" }
                    .joined(separator: ", ") + (names.count > 8 ? ", …" : "") + ".")
        }
    }

    /// Returns true if the first labels of the training data are numbers for which the teacher has other names.
    private func labelsAreNumbers() throws -> Bool {
        var options = request.data.columns.options
        options.allowsUnlabeled = true
        let stream = try TextStream(request.data.train, options: options)
        let labels = try stream.rows(200).compactMap(\.label)
        return !labels.isEmpty && !stream.namesClasses(of: data.labels)
            && labels.allSatisfy { Int($0) != nil && data.labels.id(of: $0) == nil }
            && data.labels.names.contains { !$0.hasPrefix("LABEL_") }
    }

    /// Reports how many texts are truncated, and their lengths.
    private func checkLengths() throws {
        // Longer sentences are read in windows.
        guard !data.train.hasWordRows, !data.train.hasGroups, data.train.truncatedCount > 0 else { return }
        guard
            let lengths = try findings.attempt({
                try data.fullLengths(setup.tokenizer, request.data, prompt: setup.prompt)
            })
        else { return }
        let long = lengths.filter { $0 > data.maxLength }.sorted()
        guard let longest = long.last else { return }
        let positions = setup.teacher?.model.configuration.maxLength ?? .max
        let advice =
            data.maxLength < positions
            ? "Raise --max-length to keep them."
            : "The teacher has no more positions; split the texts to keep all of them."
        findings.record(
            long.count * 20 > lengths.count ? .warning : .note,
            "\(long.count) of \(lengths.count) training texts are cut at \(data.maxLength) tokens; their median "
                + "length is \(long[long.count / 2]), the longest has \(longest).\(lost(lengths)) \(advice)"
        )
    }

    /// Reports validation and test examples that are training examples too.
    private func checkOverlap() throws {
        guard let validation = request.data.validation else {
            try countOverlap("validation", data.validation, "the part held out for validation")
            if let test = data.test { try countOverlap("test", test.dataset, test.record.path) }
            return
        }
        try countOverlap("validation", data.validation, validation.path)
        if let test = data.test { try countOverlap("test", test.dataset, test.record.path) }
    }

    private func countOverlap(_ kind: String, _ other: EncodedDataset, _ path: String) throws {
        guard let shared = try findings.attempt({ try data.train.sharedExamples(with: other) }), shared > 0
        else { return }
        findings.add(
            .warning,
            "\(shared) of \(other.count) \(kind) examples (\(path)) are training examples too: what is measured "
                + "on them says little about new texts.")
    }

    private func evaluateTeacher(_ log: RunLog) throws {
        guard request.teacherLogprobs.isEmpty else {
            // Reading them is checking them.
            let told = try findings.attempt { try ToldTeacher(setup, log) }
            try findings.attempt { _ = try told?.outputs(for: data.train) }
            return
        }
        if request.pairScoresColumn != nil {
            let found = try findings.attempt {
                try setup.givenScores(.train).map { try setup.pairFindings($0) }
            }
            for finding in (found ?? nil) ?? [] { findings.add(finding.severity, finding.message) }
        }
        for source in setup.scores {
            guard let outputs = setup.outputs(of: source, .validation) else { continue }
            let finding = Finding(
                TeacherAssessment(try outputs.logits(), targets: data.validation.targets))
            findings.add(finding.severity, finding.message)
        }
        for source in setup.teachers {
            let logits = try findings.attempt {
                try Inference.allLogits(
                    source.classifier.model, source.data.validation,
                    batchSize: request.training.perDeviceEvalBatchSize,
                    of: source.classifier.directory.path)
            }
            guard let logits, source.data.validation.targets.canAssess else { continue }
            let member = TeacherEnsemble.Member(outputs: logits, weight: 1, columns: source.columns)
            let own = try TeacherEnsemble.joining(
                [member], combination: .logits, problemType: setup.problemType
            ).logits()
            let finding = Finding(TeacherAssessment(own, targets: source.data.validation.targets))
            findings.add(finding.severity, finding.message)
        }
    }
}
