import Foundation

extension TeacherRequest {
    /// Reads the teachers that settings name, with their weights.
    ///
    /// - Throws: ``SettingsError`` where there is none, or weights do not fit.
    ///
    /// - Parameter orStudent: True if the student's model serves where there is none, to read its tokens.
    package static func all(_ reader: SettingsReader, orStudent: Bool = false) throws -> [TeacherRequest] {
        let single = try reader.list("teacher") { try TeacherRequest(setting: $0, reader.locator) }
        let several = try reader.list("teachers") { try TeacherRequest(setting: $0, reader.locator) }
        var result = single.isEmpty ? several : single
        if result.isEmpty, orStudent, let student = try reader.value("student", as: String.self) {
            result = [TeacherRequest(try reader.locator.model(student))]
        }
        guard !result.isEmpty else {
            throw orStudent
                ? SettingsError(
                    "teacher_logprobs: the model that is trained is missing; name it with --student, or with --teacher one to start from"
                )
                : reader.missing("teacher")
        }
        guard let text = try reader.value("teacher_weights", as: String.self) else { return result }
        let weights = text.split(separator: ",").compactMap {
            Double($0.trimmingCharacters(in: .whitespaces))
        }
        guard weights.count == result.count else {
            throw SettingsError(
                "teacher_weights must be \(result.count) numbers, one for each teacher, got '\(text)'")
        }
        for index in result.indices { result[index].weight = weights[index] }
        return result
    }

    /// The teacher of a setting: its name, or a mapping with `directory` and `weight`.
    private init(setting node: SettingNode, _ locator: ResourceLocator) throws {
        if let name = node.text {
            self.init(try locator.model(name))
            return
        }
        var (directory, weight): (String?, Double) = (nil, 1)
        for (name, node) in try node.fields(of: "a teacher") {
            switch name {
            case "directory": directory = node.text
            case "weight":
                guard let value = Double(setting: node) else {
                    throw SettingsError("a teacher's weight must be \(Double.settingDescription)")
                }
                weight = value
            default: throw SettingsError("a teacher has no setting '\(name)'; it has directory and weight")
            }
        }
        guard let directory else { throw SettingsError("a teacher has no directory") }
        self.init(try locator.model(directory), weight: weight)
    }
}

extension TeacherRequest {
    /// The setting from which ``all(_:)`` reads the teacher.
    var settingNode: SettingNode {
        ["directory": SettingNode(directory.absolutePath), "weight": weight.settingNode]
    }
}
