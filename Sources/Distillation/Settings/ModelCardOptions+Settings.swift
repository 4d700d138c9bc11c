import Foundation

extension ModelCardOptions {
    /// The options of the model card by settings.
    init(_ reader: SettingsReader) throws {
        func list(_ name: String) throws -> [String] {
            (try reader.value(name, as: String.self) ?? "").split(separator: ",")
                .map { $0.trimmingCharacters(in: .whitespaces) }
        }
        self.init()
        license = try reader.value("license")
        languages = try list("language")
        datasets = try list("datasets")
        baseModel = try reader.value("base_model")
    }
}

extension ModelCardOptions {
    /// Writes the options as settings, from which ``init(_:)`` reads them.
    func write(to settings: inout Settings) {
        settings.override("license", license)
        if !languages.isEmpty { settings.override("language", languages.joined(separator: ",")) }
        if !datasets.isEmpty { settings.override("datasets", datasets.joined(separator: ",")) }
        settings.override("base_model", baseModel)
    }
}
