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
