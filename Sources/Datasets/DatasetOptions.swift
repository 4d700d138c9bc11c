import Foundation

/// The options for reading a data file.
public struct DatasetOptions: Sendable, Equatable {
    public enum Format: String, CaseIterable, Sendable {
        /// RFC 4180, with a header.
        case csv
        /// The same with tabs, where a quote may also be a character; see ``DelimitedFormat/quoting``.
        case tsv
        /// A JSON object a line, or one array of objects.
        case jsonl
        /// Apache Parquet, where the package was built with its trait `Parquet`.
        case parquet
    }

    /// The kind of label that an example has.
    public enum LabelForm: String, CaseIterable, Sendable {
        /// One name, or one class number.
        case name
        /// Any number of names or class numbers: in JSON an array, elsewhere one text with a separator.
        case set
        /// A number.
        case number
    }

    /// Columns; `nil` finds them by their usual names.
    public var textColumn: String?
    public var pairColumn: String?
    public var labelColumn: String?
    /// Names of a label's column besides the usual ones, for data of a kind of their own.
    public var furtherLabelColumns: [String] = []
    /// `nil` goes by the file's name: `.csv`, `.tsv`, `.jsonl`, `.json`, each also with `.gz`, or `.parquet`.
    public var format: Format?
    /// True if the label column is read; otherwise the examples have no labels.
    public var readsLabels = true
    /// The kind of label in the file.
    public var labelForm: LabelForm
    /// The separator between the names of a label that is a set; spaces around the names are ignored.
    public var labelSeparator: String
    /// True if examples may lack a label: by an empty cell (of a name or number; an empty set is a label), JSON's null,
    /// an absent key, or a file without a label column.
    public var allowsUnlabeled: Bool
    /// True if a text may be empty; otherwise an empty text is an error.
    public var allowsEmptyTexts = false
    /// The separator and quoting of CSV and TSV.
    public var delimited: DelimitedFormat
    /// The way in which labels that are sets are written; `nil` detects it where they are interpreted.
    public var labelSetCoding: LabelSetCoding?

    public init(
        textColumn: String? = nil, pairColumn: String? = nil, labelColumn: String? = nil,
        format: Format? = nil, labelForm: LabelForm = .name, labelSeparator: String = ",",
        allowsUnlabeled: Bool = false, delimited: DelimitedFormat = DelimitedFormat()
    ) {
        self.textColumn = textColumn
        self.pairColumn = pairColumn
        self.labelColumn = labelColumn
        self.format = format
        self.labelForm = labelForm
        self.labelSeparator = labelSeparator
        self.allowsUnlabeled = allowsUnlabeled
        self.delimited = delimited
    }
}

extension DatasetOptions {
    /// The format of a file: the chosen one, or that of its name.
    ///
    /// - Parameter url: A file, or a pattern of several, which must have one format; see ``DataFiles``.
    /// - Throws: ``DatasetError`` if the name shows none.
    public func format(of url: URL) throws -> Format {
        try format
            ?? DataFiles.format(
                of: url, byExtension: Self.format(ofExtension:), otherwise: Self.unknownFormat)
    }

    private static func format(ofExtension name: String) -> Format? {
        switch name {
        case "csv": .csv
        case "tsv", "tab": .tsv
        case "jsonl", "json", "ndjson": .jsonl
        case "parquet": .parquet
        default: nil
        }
    }

    private static let unknownFormat =
        "the file's name does not show its format; name it .csv, .tsv or .jsonl (or these with .gz) or .parquet"
}
