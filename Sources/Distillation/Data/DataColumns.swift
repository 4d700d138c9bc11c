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

    /// Refuses the columns of another kind of model.
    ///
    /// - Parameter predictsTokens: True for a language model.
    /// - Throws: ``DistillationError`` that names the option.
    func requireFitting(predictsTokens: Bool) throws {
        let classes = [("--text-pair-column", pair), ("--label-column", label)]
        let conversations = [
            ("--messages-column", messages), ("--prompt-column", prompt), ("--completion-column", completion),
        ]
        if let (option, _) = (predictsTokens ? classes : conversations).first(where: { $1 != nil }) {
            throw DistillationError(
                predictsTokens
                    ? "\(option): a language model's texts have no pairs and labels; leave it out"
                    : "\(option): is for language models; leave it out, or name the text's column with --text-column"
            )
        }
        guard predictsTokens else { return }
        if labelSeparator != Self().labelSeparator {
            throw DistillationError(
                "--label-separator: a language model's texts have no labels; leave it out")
        }
        if delimited != DelimitedFormat() {
            throw DistillationError(
                "--delimiter and --quoting are for CSV and TSV, and a language model's texts are JSON lines or Parquet; leave them out"
            )
        }
    }
}
