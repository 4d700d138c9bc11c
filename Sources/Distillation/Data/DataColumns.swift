import Datasets
import Transformers

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
    /// The column of the text of parallel sentences, for models for embeddings.
    public var source: String?
    /// The columns of its translations; with ``source`` at least one.
    public var translationColumns: [String] = []
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

    /// The columns of parallel sentences; `nil` where the texts are others.
    ///
    /// - Throws: ``DistillationError`` where only one of both is there, or a column twice.
    var translations: TranslationColumns? {
        get throws {
            guard source != nil || !translationColumns.isEmpty else { return nil }
            guard let source, !translationColumns.isEmpty else {
                throw DistillationError(
                    "parallel sentences have a text and its translations: name the columns with --source-column and --translation-column, "
                        + "the second as often as there are")
            }
            let all = [source] + translationColumns
            if let twice = all.first(where: { name in all.count { $0 == name } > 1 }) {
                throw DistillationError(
                    "the column '\(twice)' is named twice by --source-column and --translation-column; name each once"
                )
            }
            guard text == nil, pair == nil, label == nil else {
                throw DistillationError(
                    "parallel sentences have no --text-column, --text-pair-column and --label-column; leave them out"
                )
            }
            return TranslationColumns(source: source, translations: translationColumns)
        }
    }

    /// Refuses the columns of parallel sentences for other models than those for embeddings.
    ///
    /// - Throws: ``DistillationError`` for them; what ``translations`` throws.
    func requireFittingTranslations(_ task: TaskIdentifier) throws {
        guard try translations == nil || task.definition.embedsTexts else {
            throw DistillationError(
                "--translation-column: parallel sentences are for models for embeddings, but this one is for \(task.rawValue); leave it out"
            )
        }
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
