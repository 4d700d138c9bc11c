import ArgumentParser
import Deployment
import Distillation
import Foundation
import Torch
import Transformers

struct PruneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract:
            "Cut a model to a smaller shape by what its parts are worth on some texts, without training.",
        discussion: """
            Layers go one after another, each time the one without which the outputs change least; feed-forward neurons, heads \
            of keys and values with the heads of queries that they serve, and hidden dimensions by the activations on the \
            texts. What is left takes over what can be told of the rest. The report says what was cut and what it cost: the mean \
            KL from the model, and how often both hold the same for the most probable.

            --target-parameters searches for the shape of at most so many parameters that is the nearest to the model, \
            --target-latency for that which takes at most so long for a text, measured here: the pruned model is timed in turns with \
            the model, and where it takes longer, smaller shapes are searched. Sizes that are given beside a target, such as \
            --layers, are kept, and the others are searched.

            The output is a directory like any other, for run (--student), evaluate, generate and export; pruning.json in it \
            says what was done.

            Examples:
              distill prune --model SmolLM2-135M-Instruct.gguf --train chats.jsonl --layers 24 --output pruned
              distill prune --model teacher --train chats.jsonl --intermediate-size 1024 --key-value-heads 2 --output pruned
              distill prune --model teacher --train chats.jsonl --target-parameters 0.66 --output pruned
              distill run   --teacher teacher --student pruned --train chats.jsonl --output student
            """)

    @Option(
        help: ArgumentHelp("The model directory, or the .gguf file of a language model.", valueName: "model"),
        completion: .directory)
    var model: String

    @Option(
        help: ArgumentHelp(
            "Texts by which it is measured, in the forms that training takes; labels are not needed.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var train: String

    @Option(
        help: ArgumentHelp(
            "Other texts, on which the result is compared with the model. (default: a part of --train)",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var validation: String?

    @Option(
        help: ArgumentHelp("The directory to save the model in.", valueName: "dir"), completion: .directory)
    var output: String

    @Flag(help: "Replace the output directory if it is there and not empty.")
    var overwrite = false

    @OptionGroup(title: "Shape") var shape: PruneShapeOptions
    @OptionGroup(title: "Data") var columns: ColumnOptions

    @Option(help: "About as many tokens are read to measure what the parts are worth. (default: 16384)")
    var calibrationTokens: Int?

    @Option(help: "About as many tokens are read for each model that is tried. (default: 2048)")
    var trialTokens: Int?

    @Option(help: "Texts in one forward pass.")
    var batchSize = 16

    @Option(help: "Threads of one operation. (default: one for each core)")
    var threads: Int?

    @OptionGroup(title: "Running") var cache: CacheDirectoryOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    func request() throws -> PruneRequest {
        let cache = try self.cache.options()
        var request = PruneRequest(
            model: try ModelReference.directory(model, cache: cache),
            data: try DataReference.url(train, split: .train), output: URL(filePath: output))
        request.validation = try validation.map { try DataReference.url($0, split: .validation) }
        request.overwrite = overwrite
        try shape.assign(to: &request)
        request.columns = try columns.columns()
        request.maxLength = columns.maxLength
        if let calibrationTokens { request.calibrationTokens = calibrationTokens }
        if let trialTokens { request.trialTokens = trialTokens }
        request.batchSize = batchSize
        request.cache = cache
        return request
    }

    func run() throws {
        if let threads { try Device.setThreads(threads) }
        let run = try UsageError.checking { try PruneRun(try request()) }
        Interrupt.install(.nothing)
        let renderer = RunRenderer(quiet: display.quiet)
        let report = try run.run(onEvent: { renderer.handle($0) }, shouldStop: { Interrupt.isRequested })
        try display.print(report) { ReportText.pruning(report) }
    }
}

/// The shape that a model is cut to.
struct PruneShapeOptions: ParsableArguments {
    @Option(help: "The layers to keep. (default: all)")
    var layers: Int?

    @Option(help: "The width inside the feed-forward layers. (default: the model's)")
    var intermediateSize: Int?

    @Option(
        help:
            "A decoder's heads of keys and values; heads of queries stay with those that serve them. (default: the model's)"
    )
    var keyValueHeads: Int?

    @Option(
        help:
            "The attention heads. (default: as many as the heads of keys and values serve, or fill the hidden size)"
    )
    var attentionHeads: Int?

    @Option(help: "The hidden size. (default: the model's)")
    var hiddenSize: Int?

    @Option(
        help: ArgumentHelp(
            "The layers that stay: loss-drop (those without which the outputs change most, by trying), influence, uniform, first, last, alternate, or their numbers, counted from 0. (default: loss-drop)",
            valueName: "choice|0,2,4"),
        transform: { text in
            guard let layers = TeacherLayers(text) else {
                throw ValidationError(
                    "'\(text)' is neither loss-drop, influence, uniform, first, last, alternate nor a list of layers such as 0,2,4"
                )
            }
            return layers
        })
    var keepLayers: TeacherLayers?

    @Option(
        help: ArgumentHelp(
            "Search for the shape of at most so many parameters, such as 90M, or this fraction of the model's, such as 0.66.",
            valueName: "n|fraction"),
        transform: PruneShapeOptions.target)
    var targetParameters: PruneRequest.Target?

    @Option(
        help: ArgumentHelp(
            "Search for the shape that takes at most this fraction of the model's time for a text, such as 0.5, or so long, such as 12ms.",
            valueName: "fraction|ms"),
        transform: PruneShapeOptions.latency)
    var targetLatency: PruneRequest.Target?

    @Flag(
        inversion: .prefixedNo,
        help: "Let the weights that stay take over what can be told of those that go.")
    var correction = true

    /// Reads `90M`, `1.2B`, `90000000` or a fraction below 1.
    static func target(_ text: String) throws -> PruneRequest.Target {
        let factors: [Character: Double] = ["K": 1e3, "M": 1e6, "B": 1e9, "G": 1e9]
        let factor = text.last.flatMap { factors[Character($0.uppercased())] }
        guard let number = Double(factor == nil ? text : String(text.dropLast())), number.isFinite,
            number > 0,
            number * (factor ?? 1) < 1e15
        else {
            throw ValidationError(
                "'\(text)' is neither a number of parameters such as 90M nor a fraction of the model's such as 0.66"
            )
        }
        if factor == nil, number < 1 { return .ratio(number) }
        guard factor != nil || number == number.rounded() else {
            throw ValidationError(
                "'\(text)' is neither a whole number of parameters nor a fraction below 1; write 1.5M for millions"
            )
        }
        return .parameters(Int(number * (factor ?? 1)))
    }

    /// Reads `12ms`, or a fraction below 1.
    static func latency(_ text: String) throws -> PruneRequest.Target {
        let isTime = text.hasSuffix("ms")
        guard let number = Double(isTime ? String(text.dropLast(2)) : text), number.isFinite, number > 0,
            isTime || number < 1
        else {
            throw ValidationError(
                "'\(text)' is neither a fraction of the model's time such as 0.5 nor a time such as 12ms")
        }
        return isTime ? .latency(number) : .latencyRatio(number)
    }

    func validate() throws {
        guard targetParameters == nil || targetLatency == nil else {
            throw ValidationError(
                "--target-parameters and --target-latency are two searches; leave one of both out.")
        }
    }

    func assign(to request: inout PruneRequest) throws {
        request.sizes = PrunedSizes(
            layers: layers, hiddenSize: hiddenSize, intermediateSize: intermediateSize,
            attentionHeads: attentionHeads, keyValueHeads: keyValueHeads)
        request.target = targetParameters ?? targetLatency
        (request.layers, request.corrects) = (keepLayers, correction)
    }
}
