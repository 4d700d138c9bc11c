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
