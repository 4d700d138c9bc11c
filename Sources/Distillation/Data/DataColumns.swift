import Datasets

/// The columns of a data file, and the format that separates its fields.
public struct DataColumns: Sendable, Equatable {
    /// The column of the text; `nil` finds it by its usual names.
    public var text: String?
    /// The column of the second text, for tasks on pairs.
    public var pair: String?
    /// The column of a conversation's messages, for language models; `nil` for `messages`.
    public var messages: String?
    /// The column of what comes before a completion, for language models; `nil` for `prompt`.
    public var prompt: String?
    /// The column of what is trained behind a prompt; `nil` for `completion`.
    public var completion: String?
    /// The column of the label; `nil` finds it by its usual names.
    public var label: String?
    /// The separator between the names of an example that has several labels, where they are not a JSON array.
    public var labelSeparator = ","
    /// The delimiters and quoting of CSV and TSV.
    public var delimited = DelimitedFormat()

    /// The usual names and separators.
    public init() {}

    /// The options for reading a file with these columns.
    package var options: DatasetOptions {
        DatasetOptions(
            textColumn: text, pairColumn: pair, labelColumn: label, labelSeparator: labelSeparator,
            delimited: delimited)
    }
}
