import ArgumentParser
import Distillation
import Foundation
import Quantization
import Torch
import Transformers

struct QuantizeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "quantize",
        abstract: "Make a trained model smaller and faster: int8, float16 or bfloat16.",
        discussion: """
            int8 weights have a scale for each output channel, tables one for each row. Activations become int8 while the \
            model runs, with a scale for each token (--activations dynamic-token) or batch (dynamic-tensor), or with \
            scales that calibration data give (static).

            With --data, the model is evaluated before and after. With --accuracy-drop, layers that cost too much stay in floating \
            point, so that the metric drops by no more than so many points.

            The output is a directory like any other, for predict, evaluate and export; quantization.json in it says what \
            was done, with the digests of its files.

            Examples:
              distill quantize --model student --output student-int8 --data dev.csv
              distill quantize --model student --output student-int8 --data dev.csv --accuracy-drop 0.5
              distill quantize --model student --output student-int8 --activations static --calibration entropy \\
                               --calibration-data train.csv
              distill quantize --model student --output student-bf16 --type bfloat16
            """)

    @Option(help: ArgumentHelp("The model directory.", valueName: "dir"), completion: .directory)
    var model: String

    @Option(
        help: ArgumentHelp("The directory to save the model in.", valueName: "dir"), completion: .directory)
    var output: String

    @Flag(help: "Replace the output directory if it is there and not empty.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Labeled texts on which the model is evaluated before and after: .csv, .tsv or .jsonl, each also with .gz.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var data: String?

    @OptionGroup(title: "Quantization") var method: QuantizationOptions
    @OptionGroup(title: "Data") var columns: ColumnOptions

    @Option(help: "Texts in one forward pass.")
    var batchSize = 64

    @Option(help: "Single texts timed for the latency figures; 0 for none.")
    var latencySamples = 200

    @Option(help: "Threads of one operation. (default: one for each core)")
    var threads: Int?

    @OptionGroup(title: "Running") var cache: CacheDirectoryOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    func request() throws -> QuantizeRequest {
        let cache = try self.cache.options()
        var request = QuantizeRequest(
            model: try ModelReference.directory(model, cache: cache), output: URL(filePath: output))
        request.overwrite = overwrite
        request.data = try data.map { try DataReference.url($0, split: .validation) }
        try method.assign(to: &request)
        request.columns = try columns.columns()
        request.maxLength = columns.maxLength
        request.batchSize = batchSize
        request.latencySamples = latencySamples
        request.cache = cache
        return request
    }

    func run() throws {
        if let threads { try Device.setThreads(threads) }
        let run = try UsageError.checking { try QuantizationRun(try request()) }
        Interrupt.install(.nothing)
        let renderer = RunRenderer(quiet: display.quiet)
        let report = try run.run(onEvent: { renderer.handle($0) }, shouldStop: { Interrupt.isRequested })
        try display.print(report) { ReportText.quantization(report) }
    }
}
