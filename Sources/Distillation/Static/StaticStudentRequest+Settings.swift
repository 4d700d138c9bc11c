import Foundation
import Torch

extension StaticStudentRequest {
    /// The value of the setting `student` that asks for a static student.
    public static let studentName = "static"

    /// The settings that belong to static students alone.
    private static let ownSettings = ["sif", "table_type"]

    /// The settings that a static student has besides.
    private static let others = [
        "teacher", "teachers", "student", "output", "overwrite", "device", "precision", "threads",
        "cache_dir", "teacher_cache", "embedding_size", "pca",
        "license", "language", "datasets", "base_model",
    ]

    /// Returns true if settings ask for a static student without texts: with texts it is trained, as ``DistillationRun`` does it.
    public static func isAskedFor(in settings: Settings) throws -> Bool {
        let reader = SettingsReader(settings)
        return try reader.value("student", as: String.self) == studentName && reader.node("train") == nil
    }

    /// Returns true if settings ask for a static student, with texts or without.
    static func isNamed(in reader: SettingsReader) -> Bool { reader.node("student")?.text == studentName }

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
        let table = try StaticOptions(reader)
        (sif, tableType) = (table.sif, table.tableType)
        card = try ModelCardOptions(reader)
        cache.directory = try CacheOptions.directory(reader)
        try reader.assign("teacher_cache", to: &cache.teacherOutputs)
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
                + "\(entry.name) has no meaning for a static student without texts (train), which is made of the teacher's tokens alone; "
                + (near.map { "did you mean \($0)?" } ?? "leave it out"))
    }

    /// - Throws: ``SettingsError`` where the name is also that of a model's directory, so that either may be meant.
    static func requireNoDirectory() throws {
        guard FileManager.default.fileExists(atPath: "\(studentName)/config.json") else { return }
        throw SettingsError(
            "student: there is a model in the directory '\(studentName)', and the word stands for a static student too; name "
                + "the directory ./\(studentName), or give it another name")
    }

    /// Refuses the settings of static students, for another one.
    ///
    /// - Throws: ``SettingsError`` for the first of them.
    static func refuse(in reader: SettingsReader) throws {
        for name in StaticOptions.names {
            if let node = reader.node(name) {
                throw reader.error(
                    at: node, "\(name) belongs to a static student; leave it out, or give student: static")
            }
        }
    }
}
