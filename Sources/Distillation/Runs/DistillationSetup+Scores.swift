import Datasets
import Foundation
import Transformers

extension RunData {
    /// A part of a run's data.
    enum Part {
        case train, validation, test
    }

    /// The examples of a part; `nil` without test data.
    func dataset(_ part: Part) -> EncodedDataset? {
        switch part {
        case .train: train
        case .validation: validation
        case .test: test?.dataset
        }
    }
}

extension DistillationSetup {
    /// Reads the scores for the first time; a file that cannot be used is a finding.
    static func surveys(
        _ request: DistillRequest, _ log: RunLog, _ findings: Diagnostics
    ) throws -> [ScoreSurvey] {
        guard !request.scores.isEmpty, request.pairScoresColumn == nil else { return [] }
        return try log.phase("Reading the scores") {
            try request.scores.compactMap { teacher in
                try findings.attempt {
                    try ScoreSurvey(
                        teacher, files: files(of: teacher, request), columns: request.data.columns)
                }
            }
        }
    }

    /// The files of a teacher's scores: its own, or the data files that hold them.
    private static func files(of teacher: ScoresRequest, _ request: DistillRequest) -> [URL] {
        guard teacher.files.isEmpty else { return teacher.files }
        let (files, required) = (request.filesWithScores, 1 + request.data.unlabelled.count)
        let options = teacher.options(request.data.columns)
        // Data that models are evaluated on need no scores.
        return files[..<required]
            + files[required...].prefix { (try? ScoreStream($0, options: options).next()) != nil }
    }

    /// Reads the scores for the data's texts, and says what they are.
    static func scores(
        _ request: DistillRequest, _ surveys: [ScoreSurvey], _ data: RunData, _ log: RunLog,
        _ findings: Diagnostics
    ) throws -> [ScoreTeacher] {
        guard !surveys.isEmpty else { return [] }
        let files = request.filesWithScores
        let counts =
            data.train.storages.map(\.lengths.count)
            + (request.data.validation == nil ? [] : [data.validation.storages[0].lengths.count])
            + [data.test].compactMap { $0?.dataset.storages[0].lengths.count }
        return try log.phase("Matching scores and texts") {
            try surveys.compactMap { survey in
                try findings.attempt {
                    let teacher = try ScoreTeacher(
                        survey, files: self.files(of: survey.request, request), data: files, counts: counts,
                        required: 1 + request.data.unlabelled.count, labels: data.labels,
                        type: data.problemType, columns: request.data.columns)
                    guard teacher.hasLogits || request.combination == .probabilities else {
                        throw DistillationError(
                            "\(teacher.request.name): teacher_combination is logits, but these scores are probabilities; leave it out"
                        )
                    }
                    for finding in teacher.findings { findings.add(finding.severity, finding.message) }
                    try assess(teacher, request, data, findings)
                    return teacher
                }
            }
        }
    }

    private static func assess(
        _ teacher: ScoreTeacher, _ request: DistillRequest, _ data: RunData, _ findings: Diagnostics
    ) throws {
        guard let train = outputs(of: teacher, .train, request, data) else { return }
        for finding in try ScoreAssessment(
            teacher.request.name, hasLogits: teacher.hasLogits, train, data.train
        ).findings {
            findings.add(finding.severity, finding.message)
        }
        if outputs(of: teacher, .validation, request, data) == nil {
            findings.add(
                .note,
                "\(teacher.request.name): there are no scores of the validation data, so that the student is not compared with "
                    + "the teacher.")
        }
    }

    /// A teacher's outputs for a part of the data; `nil` where it has no scores of it.
    func outputs(of teacher: ScoreTeacher, _ part: RunData.Part) -> ScoreOutputs? {
        Self.outputs(of: teacher, part, request, data)
    }

    private static func outputs(
        of teacher: ScoreTeacher, _ part: RunData.Part, _ request: DistillRequest, _ data: RunData
    ) -> ScoreOutputs? {
        let trained = 1 + request.data.unlabelled.count
        let files =
            switch part {
            case .train: Array(0..<trained)
            case .validation: [request.data.validation == nil ? 0 : trained]
            case .test: [trained + (request.data.validation == nil ? 0 : 1)]
            }
        // A part that is held out is a view of all training files.
        guard let dataset = data.dataset(part) else { return nil }
        return teacher.table.outputs(for: dataset, files: files)
    }
}
