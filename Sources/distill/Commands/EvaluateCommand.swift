import ArgumentParser
import Distillation
import Foundation

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Evaluate a model on labeled texts, beside its teacher where one is given.",
        discussion: """
            Prints accuracy, F1, Matthews correlation, calibration error, the confusion matrix, parameters, bytes on \
            disk and latency, and with --teacher also agreement, KL and the ratios. For multi-label \
            classification: micro and macro F1 and subset accuracy; for regression: Pearson's and Spearman's correlation and \
            the errors.

            Examples:
              distill evaluate --model student --data test.csv
              distill evaluate --model student --data test.csv --teacher teacher --json > report.json
            """)

    @Option(help: ArgumentHelp("The model directory.", valueName: "dir"), completion: .directory)
    var model: String

    @Option(
        help: ArgumentHelp("Labeled texts: .csv, .tsv or .jsonl, each also with .gz.", valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var data: String

    @Option(help: ArgumentHelp("A model to compare with.", valueName: "dir"), completion: .directory)
    var teacher: String?

    @OptionGroup(title: "Data") var columns: ColumnOptions

    @Option(help: "Texts in one forward pass.")
    var batchSize = 64

    @Option(help: "Single texts timed for the latency figures; 0 for none.")
    var latencySamples = 200

    @OptionGroup(title: "Running") var cache: CacheDirectoryOptions
    @OptionGroup(title: "Running") var compute: ComputeOptions
    @OptionGroup(title: "Running") var processes: ProcessOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    func request() throws -> EvaluateRequest {
        var request = EvaluateRequest(
            model: try ModelReference.directory(model), data: try DataReference.url(data, split: .test))
        request.teacher = try teacher.map { try ModelReference.directory($0) }
        request.columns = try columns.columns()
        request.maxLength = columns.maxLength
        request.batchSize = batchSize
        request.latencySamples = latencySamples
        request.cache = try cache.options()
        request.device = try compute.readyDevice()
        request.precision = compute.precision ?? request.precision
        return request
    }

    func run() throws {
        let run = try UsageError.checking { try EvaluationRun(try request()) }
        try processes.perform(threads: compute.threads) { processes in
            Interrupt.install(.nothing)
            let isFirst = processes?.isFirst ?? true
            let renderer = RunRenderer(quiet: display.quiet || !Terminal.isInteractive)
            let report = try run.run(
                onEvent: { if isFirst { renderer.handle($0) } }, shouldStop: { Interrupt.isRequested },
                processes: processes)
            if isFirst { try display.print(report) { ReportText.evaluation(report) } }
        }
    }
}
