import Foundation
import Torch

extension StaticStudentRequest {
    /// The value of the setting `student` that asks for a static student.
    public static let studentName = "static"

    /// The settings that belong to static students alone.
    static let ownSettings = ["sif", "table_type"]

    /// The settings that a static student has besides.
    private static let others = [
        "teacher", "teachers", "student", "output", "overwrite", "device", "precision", "threads",
        "cache_dir", "embedding_size", "pca",
        "license", "language", "datasets", "base_model",
    ]

    /// Returns true if settings ask for a static student.
    public static func isAskedFor(in settings: Settings) throws -> Bool {
        try SettingsReader(settings).value("student", as: String.self) == studentName
    }

    /// Creates the request from settings, named as in a configuration file of `distill run`.
    ///
    /// The setting `threads` applies to the whole process and takes effect at once.
    ///
    /// - Throws: ``SettingsError`` for a setting that is missing, has a wrong value, or has no meaning without texts.
    public init(_ settings: Settings, locator: ResourceLocator = .local) throws {
        try Self.requireMeaning(settings)
        try Self.requireNoDirectory()
        let reader = SettingsReader(settings, locator: locator)
        let teachers = try TeacherRequest.all(reader)
        guard let teacher = teachers.models.first, teachers.models.count == 1, teachers.scores.isEmpty else {
            throw SettingsError("teachers: a static student has one teacher; name one")
        }
        guard let output = try reader.value("output", as: String.self) else { throw reader.missing("output") }
        self.init(teacher: teacher.directory, output: URL(filePath: output))
        try reader.assign("overwrite", to: &overwrite)
        try reader.assign("embedding_size", to: &embeddingSize)
        appliesPCA = try reader.value("pca", as: Bool.self) ?? true
        if let text = try reader.value("sif", as: String.self) {
            guard text == "none" || Double(text) != nil else {
                throw SettingsError("sif must be a number such as 1e-4, or none, got '\(text)'")
            }
            sif = Double(text)
        }
        if let text = try reader.value("table_type", as: String.self) {
            guard let type = TableType(rawValue: text) else {
                throw SettingsError("table_type must be float16 or float32, got '\(text)'")
            }
            tableType = type
        }
        card = try ModelCardOptions(reader)
        cache.directory = try reader.value("cache_dir", as: String.self).map {
            URL(filePath: $0, directoryHint: .isDirectory)
        }
        device = try Device(reader)
        try reader.assign("precision", to: &precision)
        try SettingsError.checking { try validate() }
    }

    /// - Throws: ``SettingsError`` for a setting of other students, or of none.
    private static func requireMeaning(_ settings: Settings) throws {
        let known = ownSettings + others
        guard let entry = settings.merged().entries.first(where: { !known.contains($0.name) }) else { return }
        let near = Suggestion.nearest(to: entry.name, among: known)
        throw SettingsError(
            settings.prefix(line: entry.line)
                + "\(entry.name) has no meaning for a static student, which is made of the teacher's tokens, without texts; "
                + (near.map { "did you mean \($0)?" } ?? "leave it out"))
    }

    /// - Throws: ``SettingsError`` where the name is also that of a model's directory, so that either may be meant.
    private static func requireNoDirectory() throws {
        guard FileManager.default.fileExists(atPath: "\(studentName)/config.json") else { return }
        throw SettingsError(
            "student: there is a model in the directory '\(studentName)', and the word stands for a static student too; name "
                + "the directory ./\(studentName), or give it another name")
    }

    /// Refuses the settings of static students, for another one.
    ///
    /// - Throws: ``SettingsError`` for the first of them, and for the student `static`.
    static func refuse(in reader: SettingsReader) throws {
        for name in ownSettings {
            if let node = reader.node(name) {
                throw reader.error(
                    at: node, "\(name) belongs to a static student; leave it out, or give student: static")
            }
        }
        if let node = reader.node("student"), node.text == studentName {
            throw reader.error(
                at: node,
                "student: a static student is made by `distill run` alone; name a model's directory, ./\(studentName) if that is "
                    + "its name")
        }
    }
}
