import ArgumentParser
import Distillation
import Foundation

struct DataOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Training data: .csv, .tsv or .jsonl, each also with .gz.", valueName: "file"),
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

    @OptionGroup var columns: ColumnOptions

    func request(_ settings: Settings) throws -> DataRequest {
        var request = DataRequest(train: URL(filePath: try settings.required("train", train)))
        request.validation = try settings.value("validation", validation).map { URL(filePath: $0) }
        try settings.assign("validation_split", validationSplit, to: &request.validationSplit)
        try settings.assign("text_column", columns.textColumn, to: &request.textColumn)
        try settings.assign("text_pair_column", columns.textPairColumn, to: &request.textPairColumn)
        try settings.assign("label_column", columns.labelColumn, to: &request.labelColumn)
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

    @Option(help: "Longer inputs are cut to this many tokens. (default: 128)")
    var maxLength: Int?
}

let dataFileExtensions = ["csv", "tsv", "jsonl", "json", "gz"]
