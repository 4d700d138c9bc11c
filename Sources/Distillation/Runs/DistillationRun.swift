import Datasets
import Foundation
import Torch
import Transformers

/// Teaches a student from a frozen teacher's softened outputs and the true labels.
///
/// ```swift
/// var request = DistillRequest(
///     teacher: URL(filePath: "teacher"), data: DataRequest(train: URL(filePath: "train.csv")),
///     output: URL(filePath: "student"))
/// request.student.layers = 3
/// request.student.initialization = .teacherLayers
/// let report = try DistillationRun(request).run()
/// print(report.student.accuracy, report.comparison!.agreement)
/// ```
public struct DistillationRun {
    public let request: DistillRequest
    private let loss: DistillationLoss

    /// - Throws: ``DistillationError`` for settings out of range.
    public init(_ request: DistillRequest) throws {
        try request.training.validate()
        try request.data.validate()
        loss = try DistillationLoss(temperature: request.temperature, alpha: request.alpha)
        self.request = request
    }

    /// Runs to the end, or until `shouldStop`, and saves the best checkpoint.
    public func run(
        onEvent: @escaping (RunEvent) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> RunReport {
        let log = try RunLog(onEvent, loggingDirectory: request.loggingDirectory)
        let output = try OutputDirectory(
            request.output, overwrite: request.overwrite,
            inputs: [request.teacher] + [request.student.directory].compactMap(\.self) + request.data.files)
        let seed = request.training.seed
        let teacher = try log.phase("Loading the teacher") {
            try TrainedClassifier(request.teacher, device: request.device)
        }
        let data = try log.phase("Reading and tokenizing data") {
            try RunData(
                request.data, labels: teacher.labels,
                loader: request.cache.loader(
                    request.data.options, tokenizer: teacher.tokenizer, directory: request.teacher,
                    maxLength: teacher.maxLength(request.data.maxLength), log: log),
                seed: seed)
        }
        for note in data.notes { log.send(.note(note)) }
        // Built before the teacher's long work, so that a student that cannot be is refused at once.
        let student = try StudentBuilder(
            options: request.student, teacher: teacher, seed: seed, device: request.device
        ).build(needsPairs: data.train.hasPairs || data.validation.hasPairs)
        for note in student.notes { log.send(.note(note)) }
        warnUnlessSmaller(student.model, than: teacher.model, log)
        let logits = try log.phase("Teacher's outputs") {
            try teacherLogits(teacher, data, log: log, shouldStop: shouldStop)
        }
        let session = TrainingSession(
            model: student.model, objective: DistillationObjective(loss: loss, teacherLogits: logits.train),
            data: data, paddingID: teacher.paddingID, arguments: request.training,
            tokenizerDirectory: request.student.directory ?? request.teacher, output: output,
            teacher: (teacher, logits.validation), command: "run",
            settings: settings(student.model.configuration, maxLength: data.maxLength))
        return try session.run(log: log, shouldStop: shouldStop)
    }

    /// The teacher's outputs for all examples, from the cache as far as they are there. The validation data come
    /// first: a poor teacher shows at once.
    private func teacherLogits(
        _ teacher: TrainedClassifier, _ data: RunData, log: RunLog, shouldStop: () -> Bool
    ) throws -> (train: any TeacherOutputs, validation: Logits) {
        let total = data.validation.count + data.train.count
        let root = request.cache.teacherOutputs ? request.cache.root : nil
        var counts = (cached: 0, computed: 0)
        func outputs(
            _ dataset: EncodedDataset, _ precision: Precision, after done: Int
        ) throws -> any TeacherOutputs {
            let labeler = TeacherLabeler(
                teacher: teacher, batchSize: request.training.perDeviceEvalBatchSize, precision: precision)
            let store = try root.map {
                OutputStore(
                    root: $0,
                    identity: try TeacherIdentity(
                        teacher, precision: precision, memo: DigestMemo(root: $0)))
            }
            let used = store ?? OutputStore(classes: teacher.labels.count)
            let result = try labeler.outputs(
                for: dataset, in: used, onProgress: { log.progress(done + $0, of: total) },
                shouldStop: shouldStop)
            for warning in used.warnings { log.warnOnce(warning) }
            guard let result else {
                if used.isPersistent {
                    log.send(.note("The outputs computed so far are kept; the next run goes on from there."))
                }
                throw InterruptedError()
            }
            counts.cached += result.cached
            counts.computed += result.computed
            return result.outputs
        }
        // What judges is computed in float32, what teaches in the training's precision.
        let validation = try outputs(data.validation, .float32, after: 0).logits()
        let assessment = TeacherAssessment(
            predictions: validation.predictions, labels: data.validation.labels)
        if let warning = assessment.warning {
            log.send(.warning(warning))
        } else {
            log.send(
                .note(
                    String(
                        format:
                            "The teacher's accuracy on the validation data is %.2f %% (commonest class: %.2f %%).",
                        assessment.accuracy * 100, assessment.majorityBaseline * 100)))
        }
        let train = try outputs(data.train, request.precision, after: data.validation.count)
        if root != nil {
            log.send(
                .note(
                    "\(counts.cached) of the teacher's \(total) outputs came from the cache or from equal texts, "
                        + "\(counts.computed) were computed."))
        }
        return (train, validation)
    }

    private func warnUnlessSmaller(
        _ student: any SequenceClassifier, than teacher: any SequenceClassifier, _ log: RunLog
    ) {
        let (own, other) = (student.parameters.elementCount, teacher.parameters.elementCount)
        guard own >= other else { return }
        log.send(
            .warning(
                "The student has \(own) parameters, the teacher \(other): it will not be smaller. "
                    + "Choose fewer --layers or a smaller --hidden-size."))
    }

    private func settings(_ configuration: BertConfiguration, maxLength: Int) -> RunReport.Settings {
        RunReport.Settings(
            teacher: request.teacher.path, student: request.student,
            studentConfiguration: .init(configuration),
            temperature: request.temperature, alpha: request.alpha, maxLength: maxLength,
            validationSplit: request.data.validation == nil ? request.data.validationSplit : nil,
            training: request.training, device: request.device.description,
            precision: request.precision.resolved(on: request.device))
    }
}
