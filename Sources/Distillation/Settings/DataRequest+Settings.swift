import Datasets
import Foundation
import HubStore

extension DataRequest {
    /// The data that settings name, with their format.
    init(_ reader: SettingsReader) throws {
        func url(_ name: String, _ split: DataSplit) throws -> URL? {
            try reader.value(name, as: String.self).map { try reader.locator.data($0, split) }
        }
        self.init(train: try reader.locator.data(reader.required("train"), .train))
        validation = try url("validation", .validation)
        try reader.assign("validation_split", to: &validationSplit)
        columns = try DataColumns(reader)
        try reader.assign("problem_type", to: &problemType)
        try reader.assign("label_tokens", to: &rowUnit)
        unlabelled = try (reader.value("unlabelled", as: [String].self) ?? []).map {
            try reader.locator.data($0, .train)
        }
        try reader.assign("max_length", to: &maxLength)
    }
}

extension DataColumns {
    /// The columns that settings name.
    package init(_ reader: SettingsReader) throws {
        self.init()
        try reader.assign("text_column", to: &text)
        try reader.assign("text_pair_column", to: &pair)
        try reader.assign("label_column", to: &label)
        try reader.assign("messages_column", to: &messages)
        try reader.assign("prompt_column", to: &prompt)
        try reader.assign("completion_column", to: &completion)
        try reader.assign("source_column", to: &source)
        try reader.assign("translation_columns", to: &translationColumns)
        try reader.assign("label_separator", to: &labelSeparator)
        delimited = try DelimitedFormat(reader)
    }
}

extension DelimitedFormat {
    /// The delimiter and quoting of CSV and TSV by settings.
    ///
    /// - Throws: ``SettingsError`` for a delimiter that cannot separate columns.
    package init(_ reader: SettingsReader) throws {
        self.init()
        if let text = try reader.value("delimiter", as: String.self) {
            do { delimiter = try DelimitedFormat.delimiter(text) } catch let error as DatasetError {
                throw SettingsError(error.description)
            }
        }
        quoting = try reader.value("quoting")
    }
}

extension DataRequest {
    /// Writes the data and their format as settings, from which ``init(_:)`` reads them.
    func write(to settings: inout Settings) {
        settings.override("train", train.absolutePath)
        settings.override("validation", validation?.absolutePath)
        settings.override("validation_split", validationSplit)
        columns.write(to: &settings)
        settings.override("problem_type", problemType)
        settings.override("label_tokens", rowUnit)
        settings.override("unlabelled", unlabelled.map(\.absolutePath))
        settings.override("max_length", maxLength)
    }
}

extension DataColumns {
    fileprivate func write(to settings: inout Settings) {
        settings.override("text_column", text)
        settings.override("text_pair_column", pair)
        settings.override("label_column", label)
        settings.override("messages_column", messages)
        settings.override("prompt_column", prompt)
        settings.override("completion_column", completion)
        settings.override("source_column", source)
        if !translationColumns.isEmpty { settings.override("translation_columns", translationColumns) }
        settings.override("label_separator", labelSeparator)
        settings.override("delimiter", delimited.delimiterName)
        settings.override("quoting", delimited.quoting)
    }
}

extension URL {
    /// The path from the root, as a setting of another working directory needs it.
    var absolutePath: String { standardizedFileURL.path }
}
