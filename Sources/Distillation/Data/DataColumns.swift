import Datasets

/// The columns of a data file, and how its fields are told apart.
public struct DataColumns: Sendable, Equatable {
    /// The column of the text; `nil` finds it by its usual names.
    public var text: String?
    /// The column of the second text, for tasks on pairs.
    public var pair: String?
    /// The column of the label; `nil` finds it by its usual names.
    public var label: String?
    /// What stands between the names of an example that has several labels, where they are not a JSON array.
    public var labelSeparator = ","
    /// How the fields of CSV and TSV are told apart.
    public var delimited = DelimitedFormat()

    /// The usual names and separators.
    public init() {}

    /// How a file with these columns is read.
    package var options: DatasetOptions {
        DatasetOptions(
            textColumn: text, pairColumn: pair, labelColumn: label, labelSeparator: labelSeparator,
            delimited: delimited)
    }
}
