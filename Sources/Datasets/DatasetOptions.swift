import Foundation

/// How a data file is read.
public struct DatasetOptions: Sendable, Equatable {
    public enum Format: String, CaseIterable, Sendable {
        /// RFC 4180, with a header.
        case csv
        /// The same with tabs; quotes mean what they mean in CSV, as pandas and `datasets` read it.
        case tsv
        /// A JSON object a line.
        case jsonl
    }

    /// Columns; `nil` finds them by their usual names.
    public var textColumn: String?
    public var pairColumn: String?
    public var labelColumn: String?
    /// `nil` goes by the file's name: `.csv`, `.tsv`, `.jsonl`, `.json`, each also with `.gz`.
    public var format: Format?
    /// Whether a label column is looked at; without it the examples have no labels.
    public var readsLabels = true

    public init(
        textColumn: String? = nil, pairColumn: String? = nil, labelColumn: String? = nil,
        format: Format? = nil
    ) {
        self.textColumn = textColumn
        self.pairColumn = pairColumn
        self.labelColumn = labelColumn
        self.format = format
    }
}

extension DatasetOptions {
    /// The format of a file: the chosen one, or what its name tells.
    ///
    /// - Throws: ``DatasetError`` where the name tells nothing.
    public func format(of url: URL) throws -> Format {
        if let format { return format }
        let plain = url.pathExtension.lowercased() == "gz" ? url.deletingPathExtension() : url
        switch plain.pathExtension.lowercased() {
        case "csv": return .csv
        case "tsv", "tab": return .tsv
        case "jsonl", "json", "ndjson": return .jsonl
        default:
            throw DatasetError(
                url.path(percentEncoded: false),
                "the file's name does not tell its format; name it .csv, .tsv or .jsonl (or these with .gz)")
        }
    }
}
