import Foundation

extension TeacherRequest {
    /// Reads the teachers that settings name, with their weights.
    ///
    /// - Throws: ``SettingsError`` where there is none, or weights do not fit.
    ///
    /// - Parameter orStudent: True if the student's model serves where there is none, to read its tokens.
    package static func all(
        _ reader: SettingsReader, orStudent: Bool = false
    ) throws -> (models: [TeacherRequest], scores: [ScoresRequest]) {
        let models = try reader.models()
        let single = try reader.list("teacher") { try Source(setting: $0, reader.locator, models) }
        let several = try reader.list("teachers") { try Source(setting: $0, reader.locator, models) }
        var result = single.isEmpty ? several : single
        let files = try reader.value("teacher_scores", as: [String].self) ?? []
        let column = try reader.value("scores_column", as: String.self)
        if !files.isEmpty || column != nil {
            result.append(
                .scores(
                    ScoresRequest(try files.map { try reader.locator.data($0, .train) }, column: column)))
        }
        if result.isEmpty, orStudent, let student = try reader.value("student", as: String.self) {
            result = [.model(TeacherRequest(try models(student)))]
        }
        guard !result.isEmpty else {
            throw orStudent
                ? SettingsError(
                    "teacher_logprobs: the model that is trained is missing; name it with --student, or with --teacher one to start from"
                )
                : reader.missing("teacher")
        }
        guard let text = try reader.value("teacher_weights", as: String.self) else { return parts(result) }
        let weights = text.split(separator: ",").compactMap {
            Double($0.trimmingCharacters(in: .whitespaces))
        }
        guard weights.count == result.count else {
            throw SettingsError(
                "teacher_weights must be \(result.count) numbers, one for each teacher, got '\(text)'")
        }
        for index in result.indices { result[index].weigh(weights[index]) }
        return parts(result)
    }

    private static func parts(_ all: [Source]) -> (models: [TeacherRequest], scores: [ScoresRequest]) {
        (
            all.compactMap { if case .model(let model) = $0 { model } else { nil } },
            all.compactMap { if case .scores(let scores) = $0 { scores } else { nil } }
        )
    }
}

/// A teacher of a list: a model or scores.
private enum Source {
    case model(TeacherRequest)
    case scores(ScoresRequest)

    mutating func weigh(_ weight: Double) {
        switch self {
        case .model(var model):
            model.weight = weight
            self = .model(model)
        case .scores(var scores):
            scores.weight = weight
            self = .scores(scores)
        }
    }

    /// The teacher of a setting: a directory's name, or a mapping with `directory`, or `scores` and perhaps `column`, and `weight`.
    ///
    /// - Parameter models: Finds a model's directory by its name.
    init(setting node: SettingNode, _ locator: ResourceLocator, _ models: (String) throws -> URL) throws {
        if let name = node.text {
            self = .model(TeacherRequest(try models(name)))
            return
        }
        var (directory, weight): (String?, Double) = (nil, 1)
        var (scores, column): ([String]?, String?)
        for (name, node) in try node.fields(of: "a teacher") {
            switch name {
            case "directory": directory = node.text
            case "scores":
                guard let files = [String](setting: node) else {
                    throw SettingsError("a teacher's scores must be \([String].settingDescription)")
                }
                scores = files
            case "column": column = node.text
            case "weight":
                guard let value = Double(setting: node) else {
                    throw SettingsError("a teacher's weight must be \(Double.settingDescription)")
                }
                weight = value
            default:
                throw SettingsError(
                    "a teacher has no setting '\(name)'; it has directory, or scores and column, and weight")
            }
        }
        if scores != nil || column != nil {
            guard directory == nil else {
                throw SettingsError("a teacher has a directory or scores; make two teachers of them")
            }
            guard scores?.isEmpty != true else {
                throw SettingsError(
                    "a teacher's scores are in no file; name one, as in scores: [file.jsonl], or the column of the data alone"
                )
            }
            let files = try (scores ?? []).map { try locator.data($0, .train) }
            self = .scores(ScoresRequest(files, column: column, weight: weight))
            return
        }
        guard let directory else { throw SettingsError("a teacher has no directory and no scores") }
        self = .model(TeacherRequest(try models(directory), weight: weight))
    }
}

extension ScoresRequest {
    /// The setting from which the teacher is read.
    var settingNode: SettingNode {
        var members: [(key: SettingNode, value: SettingNode)] = [
            ("scores", files.map(\.absolutePath).settingNode)
        ]
        if let column { members.append(("column", column.settingNode)) }
        members.append(("weight", weight.settingNode))
        return SettingNode(.mapping(members, isFlow: true))
    }
}

extension TeacherRequest {
    /// The setting from which ``all(_:)`` reads the teacher.
    var settingNode: SettingNode {
        ["directory": SettingNode(directory.absolutePath), "weight": weight.settingNode]
    }
}
