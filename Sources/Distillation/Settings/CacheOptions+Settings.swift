import Foundation

extension CacheOptions {
    /// The cache options of settings.
    ///
    /// - Parameter hasTeacher: True if there are a teacher's outputs to keep.
    package init(_ reader: SettingsReader, hasTeacher: Bool = true) throws {
        self.init()
        directory = try Self.directory(reader)
        try reader.assign("data_cache", to: &data)
        if hasTeacher { try reader.assign("teacher_cache", to: &teacherOutputs) }
    }

    /// The cache's directory of settings; `nil` where they name none.
    static func directory(_ reader: SettingsReader) throws -> URL? {
        try reader.value("cache_dir", as: String.self).map { URL(filePath: $0, directoryHint: .isDirectory) }
    }
}

extension CacheOptions {
    /// Writes the options as settings, but for the teacher's outputs.
    func write(to settings: inout Settings) {
        settings.override("cache_dir", directory?.absolutePath)
        settings.override("data_cache", data)
    }
}
