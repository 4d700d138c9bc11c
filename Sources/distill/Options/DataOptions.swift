import ArgumentParser
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
            What the labels are: \(ProblemType.allCases.map(\.rawValue).joined(separator: ", ")). (default: the \
            teacher's; without one, several labels where they are JSON arrays, else one of several classes)
            """)
    var problemType: ProblemType?

    @OptionGroup var columns: ColumnOptions

    func request(_ settings: Settings) throws -> DataRequest {
        var request = DataRequest(
            train: try DataReference.url(settings.required("train", train), split: .train))
        request.validation = try settings.value("validation", validation).map {
            try DataReference.url($0, split: .validation)
        }
        try settings.assign("validation_split", validationSplit, to: &request.validationSplit)
        try settings.assign("text_column", columns.textColumn, to: &request.textColumn)
        try settings.assign("text_pair_column", columns.textPairColumn, to: &request.textPairColumn)
        try settings.assign("label_column", columns.labelColumn, to: &request.labelColumn)
        try settings.assign("label_separator", columns.labelSeparator, to: &request.labelSeparator)
        try settings.assign("problem_type", problemType, to: &request.problemType)
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

    @Option(help: "Longer inputs are cut to this many tokens. (default: 128)")
    var maxLength: Int?
}

extension ProblemType: ExpressibleByArgument {}

let dataFileExtensions = ["csv", "tsv", "jsonl", "json", "gz", "parquet"]
