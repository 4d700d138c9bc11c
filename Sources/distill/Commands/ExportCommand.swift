import ArgumentParser
import Deployment
import Distillation
import Exporters
import Foundation
import Torch

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a model for another runtime, such as ONNX Runtime.",
        discussion: """
            The format onnx writes model.onnx: inputs input_ids, attention_mask and token_type_ids of any batch and \
            length, output logits; labels and the tokenizer's settings are in its metadata. A quantized model is written \
            in int8. The format coreml writes model.mlpackage, a Core ML program for one text of any length at a time, which \
            names the class too. The format safetensors writes a model directory with the weights in another type. The format \
            gguf writes a language model as one file for llama.cpp and what stands on it (Ollama, LM Studio), with its tokenizer \
            and chat template; --outtype chooses how weights are quantized, --calibrate texts by which errors are weighed.

            The written files are run and compared with the model's own outputs before they are moved into place: by \
            onnxruntime, where DISTILL_PYTHON or python3 has it. With --data both are evaluated on labeled texts too.

            Examples:
              distill export --model student --format onnx --output student-onnx
              distill export --model student-int8 --format onnx --output student-onnx --data test.csv
              distill export --model student --format onnx --dtype float16 --output student-onnx
              distill export --model student --format coreml --output student-coreml
              distill export --model student --format safetensors --dtype bfloat16 --output student-bf16
              distill export --model student --format gguf --outtype q4_k_m --calibrate chats.jsonl --output student.gguf
            """)

    @Option(help: ArgumentHelp("The model directory.", valueName: "dir"), completion: .directory)
    var model: String

    @Option(
        help: ArgumentHelp("The directory to write; of gguf the file.", valueName: "path"),
        completion: .directory)
    var output: String

    @Option(
        help: ArgumentHelp(
            "The format to write: \(ExportFormats.standard.exporters.map { "\($0.name) (\($0.summary))" }.joined(separator: ", ")), gguf (language models for llama.cpp)."
        ),
        completion: .list(ExportFormats.standard.exporters.map(\.name) + ["gguf"]))
    var format = "onnx"

    @Option(
        help:
            "The weights' type: \(ExportDType.allCases.map(\.rawValue).joined(separator: ", ")). (default: int8 of a quantized model, else float32, of coreml float16)"
    )
    var dtype: ExportDType?

    @Option(
        help:
            "The version of ONNX's operators, from \(ONNXExporter.opsets.lowerBound) to \(ONNXExporter.opsets.upperBound). (default: \(ONNXExporter.opsets.lowerBound), which most runtimes open)"
    )
    var opset: Int?

    @OptionGroup(title: "GGUF") var gguf: GGUFOptions

    @Flag(help: "Replace the output if it is there: a directory that is not empty, or a file.")
    var overwrite = false

    @Flag(help: "Do not run what was written.")
    var noCheck = false

    @Option(
        help: ArgumentHelp(
            "Labeled texts to evaluate both on: .csv, .tsv or .jsonl, each also with .gz.", valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var data: String?

    @OptionGroup(title: "Data") var columns: ColumnOptions

    @Option(help: "Texts in one forward pass.")
    var batchSize = 64

    @Option(help: "Threads of one operation. (default: one for each core)")
    var threads: Int?

    @OptionGroup(title: "Running") var cache: CacheDirectoryOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    func request() throws -> ExportRequest {
        let cache = try self.cache.options()
        var request = ExportRequest(
            model: try ModelReference.directory(model, cache: cache), output: URL(filePath: output))
        request.format = format
        request.dtype = dtype
        request.opset = opset
        request.overwrite = overwrite
        request.check = !noCheck
        request.data = try data.map { try DataReference.url($0, split: .test) }
        request.columns = try columns.columns()
        request.maxLength = columns.maxLength
        request.batchSize = batchSize
        request.cache = cache
        return request
    }

    func run() throws {
        if let threads { try Device.setThreads(threads) }
        if format == GGUFOptions.format { return try runGGUF() }
        try gguf.requireNone(format: format)
        let run = try UsageError.checking { try ExportRun(try request()) }
        Interrupt.install(.nothing)
        let renderer = RunRenderer(quiet: display.quiet)
        let report = try run.run(onEvent: { renderer.handle($0) }, shouldStop: { Interrupt.isRequested })
        try display.print(report) { ExportText.text(report) }
    }
}

extension ExportDType: ExpressibleByArgument {}

/// The report of an export, for a terminal.
enum ExportText {
    static func text(_ report: ExportReport) -> String {
        let operators = report.opset.map { ", opset \($0)" } ?? ""
        var lines = [
            "\(report.output): \(report.format), \(report.dtype.rawValue)\(operators), \(Format.bytes(report.bytes)) "
                + "(the model's own weights: \(Format.bytes(report.sourceBytes)))"
        ]
        if let check = report.check {
            let same = check.agreement.map { ", the same predictions on \(Format.percent($0))" } ?? ""
            lines.append(
                String(
                    format: "%@ on %d examples: logits differ by %.2g at most%@", check.runtime,
                    check.examples,
                    check.largestDifference, same))
            if let metric = check.metric, let exported = check.exported, let own = check.own {
                lines.append(String(format: "%@ %.4f, this model's own %.4f", metric, exported, own))
            }
        }
        if let reason = report.checkLeftOut { lines.append("Not compared: \(reason)") }
        return lines.joined(separator: "\n")
    }
}
