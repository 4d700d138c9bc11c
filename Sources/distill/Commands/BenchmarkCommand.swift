import ArgumentParser
import Benchmarking
import Distillation
import Files
import Foundation
import Torch

struct BenchmarkCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark",
        abstract: "Measure models side by side: size, memory, loading, latency, throughput, quality.",
        discussion: """
            Each model runs in a process of its own. In each cell (a batch size and a length) all are warmed up until \
            their times are stable; then each is measured once a round, in an order that rotates, after a pause in which \
            the others' threads fall asleep. The first model is what the others are compared with. docs/benchmark.md \
            says more.

            A model is a directory in Hugging Face format, an .onnx file, or a directory with one. ONNX models are run \
            by Python's onnxruntime: set DISTILL_PYTHON to the interpreter that has it, unless it is python3 on the PATH.

            Language models (directories or .gguf files) are measured by what generating costs: tokens a second of prefill, which \
            reads the prompts, and of decode, which writes the texts, one alone and several at a time; memory and size.

            Examples:
              distill benchmark --model teacher --model student
              distill benchmark --model teacher --model student --model student.onnx --data test.csv \
            --batch-sizes 1,8,32 --lengths 16,64,128 --chart speed.svg --json > speed.json
              distill benchmark --model teacher.gguf --model student --precision bfloat16
            """)

    @Option(
        name: [.customLong("model")],
        help: ArgumentHelp(
            "A model directory, an .onnx file or a directory with one, or a .gguf file; give the option once for each model.",
            valueName: "path"),
        completion: .file())
    var models: [String]

    @Option(
        help: ArgumentHelp(
            "Sentences in a forward pass, or texts that a language model writes at a time, separated by commas. (default: "
                + "1,8,32; of language models 1,8)", valueName: "list"))
    var batchSizes: String?

    @Option(
        help: ArgumentHelp(
            "Tokens of a sentence, special ones included, or of a language model's prompt, separated by commas. (default: "
                + "16,64,128, as far as the models take them; of language models 128)",
            valueName: "list"))
    var lengths: String?

    @Option(help: "Tokens that a language model writes after each prompt. (default: 64)")
    var newTokens: Int?

    @Option(
        help: ArgumentHelp(
            "Labeled texts, to evaluate the models and to time them in bulk: .csv, .tsv or .jsonl, each also with .gz.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var data: String?

    @OptionGroup(title: "Data") var columns: ColumnOptions

    @Option(help: "The number of times each model is measured in each cell.")
    var rounds = 5

    @Option(help: "Seconds each model is measured in each cell, all rounds together.")
    var seconds = 1.0

    @Option(help: "Decides the random tokens.")
    var seed: UInt64 = 1

    @Option(
        help: ArgumentHelp("Draw the result as SVG.", valueName: "file"),
        completion: .file(extensions: ["svg"]))
    var chart: String?

    @Option(help: "Threads of each model. (default: one for each core)")
    var threads: Int?

    @Option(help: "The precision our models compute in: auto, float32 or bfloat16. (default: float32)")
    var precision: Precision?

    @OptionGroup(title: "Running") var display: DisplayOptions

    func request() throws -> BenchmarkRequest {
        try request(of: try models.map { try ModelReference.directory($0) })
    }

    private func request(of models: [URL]) throws -> BenchmarkRequest {
        let isGeneration = models.contains(where: GenerationBenchmarkRun.takes)
        var request = BenchmarkRequest(
            models: models,
            worker: .init(
                executable: try Self.program(),
                arguments: [BenchmarkWorkerCommand.configuration.commandName ?? ""]))
        request.batchSizes = try Self.numbers(batchSizes ?? (isGeneration ? "1,8" : "1,8,32"), "batch-sizes")
        if let lengths {
            request.lengths = try Self.numbers(lengths, "lengths")
        } else if isGeneration {
            request.lengths = [128]
        } else {
            request.trimLengths()
        }
        request.newTokens = newTokens ?? request.newTokens
        request.data = try data.map { try DataReference.url($0, split: .test) }
        request.columns = try columns.columns()
        request.maxLength = columns.maxLength
        request.rounds = rounds
        request.seconds = seconds
        request.threads = threads
        request.precision = precision ?? request.precision
        request.seed = seed
        return request
    }

    func run() throws {
        let models = try models.map { try ModelReference.directory($0) }
        let request = try request(of: models)
        guard !models.contains(where: GenerationBenchmarkRun.takes) else { return try runGeneration(request) }
        guard newTokens == nil else {
            throw UsageError("--new-tokens are those of language models, which none of these models is")
        }
        let benchmark = try UsageError.checking { try BenchmarkRun(request) }
        let chart = chart.map { URL(filePath: $0) }
        if let chart { try Self.requireWritable(chart) }
        Interrupt.install(.nothing)
        let renderer = RunRenderer(quiet: display.quiet || !Terminal.isInteractive)
        let report = try benchmark.run(
            onEvent: { renderer.handle($0) }, shouldStop: { Interrupt.isRequested })
        if let chart { try AtomicFile.write(report.svg, to: chart) }
        try display.print(report) { BenchmarkText.report(report) }
    }

    private func runGeneration(_ request: BenchmarkRequest) throws {
        guard chart == nil else {
            throw UsageError("--chart draws the times of encoders; language models have none")
        }
        let benchmark = try UsageError.checking { try GenerationBenchmarkRun(request) }
        Interrupt.install(.nothing)
        let renderer = RunRenderer(quiet: display.quiet || !Terminal.isInteractive)
        let report = try benchmark.run(
            onEvent: { renderer.handle($0) }, shouldStop: { Interrupt.isRequested })
        try display.print(report) { BenchmarkText.report(report) }
    }

    /// This program's file.
    private static func program() throws -> URL {
        guard let url = Bundle.main.executableURL else {
            throw UsageError("the program's own file is not found; call it by its path")
        }
        return url
    }

    /// A chart that cannot be written must not be found out after minutes of measuring.
    private static func requireWritable(_ chart: URL) throws {
        let folder = chart.deletingLastPathComponent()
        guard access(folder.path, W_OK) == 0 else {
            throw UsageError(
                "--chart: \(folder.path) is not a directory that can be written to; choose another")
        }
    }

    /// "1,8,32" → [1, 8, 32], without repetition.
    private static func numbers(_ text: String, _ option: String) throws -> [Int] {
        var numbers: [Int] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let number = Int(part.trimmingCharacters(in: .whitespaces)) else {
                throw UsageError(
                    "--\(option) takes whole numbers separated by commas, such as 1,8,32; got '\(text)'")
            }
            if !numbers.contains(number) { numbers.append(number) }
        }
        return numbers
    }
}
