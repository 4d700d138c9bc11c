import ArgumentParser
import Datasets
import Distillation
import Transformers

struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Training data: .csv, .tsv, .jsonl, or .conll with tags of words, each also with .gz, or .parquet; a pattern of such \
            files, a directory that holds them by split, or hf://datasets/org/name. For language models .jsonl or .parquet with \
            messages, with prompt and completion, or with text.
            """, valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var train: String?

    @Option(
        help: ArgumentHelp(
            "Validation data. Without it a part of the training data is held out.", valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var validation: String?

    @Option(
        help: "The fraction of the training data to hold out where there is no --validation. (default: 0.1)")
    var validationSplit: Double?

    @Option(
        help: """
            The kind of the labels: \(TaskIdentifier.labeledTasks.map(\.rawValue).joined(separator: ", ")); ranking, of \
            queries with documents; or sentence_embedding, of a student for embeddings that learns scores of these. (default: the teacher's; without one, tags of words in a .conll file, multi-label where labels are JSON arrays, else \
            single-label)
            """)
    var problemType: TaskIdentifier?

    @Option(
        help: """
            For token classification the tokens that are trained on: first (of each word) or all. Models are evaluated at \
            the first. (default: first)
            """)
    var labelTokens: RowUnit?

    @OptionGroup var columns: ColumnOptions
    @OptionGroup var translations: TranslationOptions

    func register(in settings: inout Settings) {
        translations.register(in: &settings)
        settings.override("train", train)
        settings.override("validation", validation)
        settings.override("validation_split", validationSplit)
        columns.register(in: &settings)
        settings.override("problem_type", problemType)
        settings.override("label_tokens", labelTokens)
    }
}

/// The texts that a teacher alone labels.
struct UnlabelledOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Texts without labels, or sentences as lists of words, that are trained on too: each is one more example of an \
            epoch. May be given several times.
            """,
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var unlabelled: [String] = []

    func register(in settings: inout Settings) { settings.override("unlabelled", unlabelled) }
}

/// The columns of a data file.
struct ColumnOptions: ParsableArguments {
    @Option(help: "The column of the text. (default: text, sentence, … whichever is there)")
    var textColumn: String?

    @Option(help: "The column of the second text, for tasks on pairs.")
    var textPairColumn: String?

    @Option(help: "The column of the label. (default: label, labels, … whichever is there)")
    var labelColumn: String?

    @OptionGroup var conversation: ConversationColumnOptions

    @Option(
        help:
            "The separator between an example's labels for multi-label classification, in CSV and TSV. (default: ,)"
    )
    var labelSeparator: String?

    @OptionGroup var delimited: DelimitedOptions

    @Option(
        help:
            "Longer inputs are cut to this many tokens. (default: as in the model's training, else the tokenizer's)"
    )
    var maxLength: Int?

    func register(in settings: inout Settings) {
        settings.override("text_column", textColumn)
        settings.override("text_pair_column", textPairColumn)
        settings.override("label_column", labelColumn)
        conversation.register(in: &settings)
        settings.override("label_separator", labelSeparator)
        delimited.register(in: &settings)
        settings.override("max_length", maxLength)
    }

    /// The columns of a command without a configuration file.
    func columns() throws -> DataColumns { try DataColumns(SettingsReader(register)) }
}

/// The columns of a language model's texts.
struct ConversationColumnOptions: ParsableArguments {
    @Option(help: "For language models, the column of a conversation's messages. (default: messages)")
    var messagesColumn: String?

    @Option(help: "For language models, the column of what comes before a completion. (default: prompt)")
    var promptColumn: String?

    @Option(help: "For language models, the column of what is trained behind a prompt. (default: completion)")
    var completionColumn: String?

    func register(in settings: inout Settings) {
        settings.override("messages_column", messagesColumn)
        settings.override("prompt_column", promptColumn)
        settings.override("completion_column", completionColumn)
    }
}

/// The delimiters and quoting of CSV and TSV.
struct DelimitedOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The character between the columns of CSV and TSV, such as ';', or tab. (default: by the file's name)",
            valueName: "character"))
    var delimiter: String?

    @Option(
        help: ArgumentHelp(
            """
            The meaning of a quote in CSV and TSV: rfc4180, or none where it is a character. (default: rfc4180; in .tsv a \
            character where it is not closed before the tab or the line's end)
            """, valueName: "rule"))
    var quoting: DelimitedFormat.Quoting?

    func register(in settings: inout Settings) {
        settings.override("delimiter", delimiter)
        settings.override("quoting", quoting)
    }

    /// The format of a command without a configuration file.
    ///
    /// - Throws: ``UsageError`` for what cannot stand between columns.
    func format() throws -> DelimitedFormat { try DelimitedFormat(SettingsReader(register)) }
}

extension DelimitedFormat.Quoting: ExpressibleByArgument {}
extension TaskIdentifier: ExpressibleByArgument {}
extension RowUnit: ExpressibleByArgument {}

let dataFileExtensions = ["csv", "tsv", "jsonl", "json", "gz", "parquet", "conll", "iob", "bio"]
