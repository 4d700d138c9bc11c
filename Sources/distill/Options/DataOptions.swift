import ArgumentParser
import Datasets
import Distillation
import Foundation
import Transformers

struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            """
            Training data: .csv, .tsv or .jsonl, each also with .gz, or .parquet; a pattern of such files, a directory \
            that holds them by split, or hf://datasets/org/name.
            """, valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var train: String?

    @Option(
        help: ArgumentHelp(
            "Validation data. Without it a part of the training data is held back.", valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var validation: String?

    @Option(
        help: "The share of the training data to hold back where there is no --validation. (default: 0.1)")
    var validationSplit: Double?

    @Option(
        help: ArgumentHelp(
            "Texts without labels that are trained on too, with a teacher; may be given several times.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var unlabelled: [String] = []

    @Option(
        help: """
            What the labels are: \(TaskIdentifier.allCases.map(\.rawValue).joined(separator: ", ")). (default: the \
            teacher's; without one, tags of words in a .conll file, several labels where they are JSON arrays, else one of \
            several classes)
            """)
    var problemType: TaskIdentifier?

    @Option(
        help: """
            For token classification the tokens that are trained on: first (of each word) or all. Models are evaluated at \
            the first. (default: first)
            """)
    var labelTokens: RowUnit?

    @OptionGroup var columns: ColumnOptions

    func request(_ settings: Settings) throws -> DataRequest {
        var request = DataRequest(
            train: try DataReference.url(settings.required("train", train), split: .train))
        request.validation = try settings.value("validation", validation).map {
            try DataReference.url($0, split: .validation)
        }
        try settings.assign("validation_split", validationSplit, to: &request.validationSplit)
        request.columns = try columns.columns(settings)
        try settings.assign("problem_type", problemType, to: &request.problemType)
        try settings.assign("label_tokens", labelTokens, to: &request.rowUnit)
        request.unlabelled =
            try settings.value("unlabelled", unlabelled.isEmpty ? nil : unlabelled)?.map {
                try DataReference.url($0, split: .train)
            } ?? []
        try settings.assign("max_length", columns.maxLength, to: &request.maxLength)
        return request
    }
}

/// Which columns of a data file hold what.
struct ColumnOptions: ParsableArguments {
    @Option(help: "The column of the text. (default: text, sentence, … whichever is there)")
    var textColumn: String?

    @Option(help: "The column of the second text, for tasks on pairs.")
    var textPairColumn: String?

    @Option(help: "The column of the label. (default: label, labels, … whichever is there)")
    var labelColumn: String?

    @Option(
        help:
            "What stands between an example's labels where it may have several, in CSV and TSV. (default: ,)")
    var labelSeparator: String?

    @OptionGroup var delimited: DelimitedOptions

    @Option(
        help:
            "Longer inputs are cut to this many tokens. (default: as in the model's training, else the tokenizer's)"
    )
    var maxLength: Int?

    /// The columns that flags and settings name.
    func columns(_ settings: Settings = Settings(file: nil)) throws -> DataColumns {
        var columns = DataColumns()
        try settings.assign("text_column", textColumn, to: &columns.text)
        try settings.assign("text_pair_column", textPairColumn, to: &columns.pair)
        try settings.assign("label_column", labelColumn, to: &columns.label)
        try settings.assign("label_separator", labelSeparator, to: &columns.labelSeparator)
        columns.delimited = try delimited.format(settings)
        return columns
    }
}

/// How the fields of CSV and TSV are told apart.
struct DelimitedOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "What stands between the columns of CSV and TSV, such as ';', or tab. (default: by the file's name)",
            valueName: "character"))
    var delimiter: String?

    @Option(
        help: ArgumentHelp(
            """
            What a quote means in CSV and TSV: rfc4180, or none where it is a character. (default: rfc4180; in .tsv a \
            character where it is not closed before the tab or the line's end)
            """, valueName: "rule"))
    var quoting: DelimitedFormat.Quoting?

    /// - Throws: ``UsageError`` for what cannot stand between columns.
    func format(_ settings: Settings = Settings(file: nil)) throws -> DelimitedFormat {
        var format = DelimitedFormat()
        if let text = try settings.value("delimiter", delimiter) {
            do { format.delimiter = try DelimitedFormat.delimiter(text) } catch let error as DatasetError {
                throw UsageError(error.description)
            }
        }
        format.quoting = try settings.value("quoting", quoting)
        return format
    }
}

extension DelimitedFormat.Quoting: ExpressibleByArgument, SettingValue {}
extension TaskIdentifier: ExpressibleByArgument {}
extension RowUnit: ExpressibleByArgument, SettingValue {}

let dataFileExtensions = ["csv", "tsv", "jsonl", "json", "gz", "parquet", "conll", "iob", "bio"]
