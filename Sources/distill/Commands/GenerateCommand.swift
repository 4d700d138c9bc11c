import ArgumentParser
import Deployment
import Distillation
import Foundation
import Generation

struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Write texts with a language model: answers to prompts.",
        discussion: """
            A prompt is a user's message where the model has a chat template, else a text that goes on. The answer to one prompt \
            is written as it comes. With --data, a file of prompts is answered, and --output keeps the conversations in the form \
            that `distill run` and `finetune` train on: so a teacher makes its student's training texts. Finished answers are kept in \
            <output>.partial until all are there: the same command goes on with them after an interruption.

            The same prompt and seed give the same text, whatever the batch size and the number of threads. With --shard, several \
            machines divide a file: shard 2/4 is the second quarter of its prompts, and the outputs of all, one after another, are the \
            output of one run: cat part-1.jsonl part-2.jsonl … > chats.jsonl.

            Examples:
              distill generate --model SmolLM2-135M-Instruct.gguf --prompt "What is a wren?"
              distill generate --model student --prompt "Once upon a time" --no-chat --temperature 0.8 --top-p 0.95
              distill generate --model teacher --data prompts.jsonl --output chats.jsonl --max-new-tokens 100
              distill generate --model teacher --data prompts.jsonl --output part-2.jsonl --shard 2/4
            """)

    @Option(
        help: ArgumentHelp("The language model: a directory or a GGUF file.", valueName: "dir"),
        completion: .directory)
    var model: String

    @Option(help: ArgumentHelp("A prompt; several times for several.", valueName: "text"))
    var prompt: [String] = []

    @Option(
        help: ArgumentHelp(
            "Prompts: .jsonl or .parquet with 'prompt', or with 'messages' before the assistant's turn.",
            valueName: "file"), completion: .file(extensions: ["jsonl", "json", "gz", "parquet"]))
    var data: String?

    @Option(
        help: ArgumentHelp(
            "The part of the prompts of --data to answer, such as 2/4 for the second quarter.",
            valueName: "k/n"))
    var shard: String?

    @Option(
        help: ArgumentHelp(
            "The file to write the conversations or texts to, as JSON lines.", valueName: "file"))
    var output: String?

    @Flag(help: "Keep answers in the output that are cut for their length. (default: they are left out)")
    var keepUnfinished = false

    @Flag(help: "Replace the output file if it is there.")
    var overwrite = false

    @Flag(
        inversion: .prefixedNo,
        help: "Take prompts that are texts for a user's messages. (default: where there is a chat template)")
    var chat: Bool?

    @OptionGroup(title: "Generation") var sampling: SamplingOptions

    @Option(help: "Texts that are generated at a time.")
    var batchSize = 8

    @Option(
        help: ArgumentHelp(
            "Multiply the weights in few bits, on the CPU faster and a little less exact: stored for a GGUF file's blocks as they are, int8 and int4 to round others. (default: floating point)"
        ))
    var weights: AnswerWeights?

    @OptionGroup(title: "Running") var compute: ComputeOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    func validate() throws {
        guard weights == nil || compute.precision == nil else {
            throw ValidationError(
                "give --weights, which are multiplied in few bits, or the --precision of floating point, not both"
            )
        }
        guard !prompt.isEmpty || data != nil else { throw ValidationError("give --prompt or --data") }
        guard shard == nil || data != nil && prompt.isEmpty else {
            throw ValidationError("--shard is a part of a file: give --data, without --prompt")
        }
        guard batchSize > 0 else { throw ValidationError("--batch-size must be at least 1") }
        guard !prompt.contains("") else { throw ValidationError("--prompt is empty; give it a text") }
        try sampling.requireRanges()
    }

    private func request() throws -> AnswerRequest {
        var request = AnswerRequest(model: try ModelReference.directory(model))
        request.isChat = chat
        request.data = try data.map { try DataReference.url($0, split: .train) }
        request.shard = try shard.map { text in try UsageError.checking { try Shard(text) } }
        request.output = output.map { URL(filePath: $0) }
        request.overwrite = overwrite
        request.keepsUnfinished = keepUnfinished
        request.batchSize = batchSize
        let changes = sampling.changes
        request.options = { options in
            options.apply(changes)
            if let problem = options.problem(of: changes) { throw UsageError(problem) }
        }
        request.weights = weights
        request.device = try compute.readyDevice()
        request.precision = compute.precision ?? .auto
        return request
    }

    func run() throws {
        var request = try self.request()
        request.questions = prompt
        Interrupt.install(.nothing)
        let streams = prompt.count == 1 && data == nil && output == nil && !display.json
        var (done, known) = (0, 0)
        let (report, texts) = try AnswerRun(request).run(
            onEvent: { event in
                switch event {
                case .piece(_, let text): if streams { try Terminal.write(piece: text) }
                case .finished:
                    done += 1
                    if !streams, !display.quiet, done.isMultiple(of: 50) {
                        Terminal.error("  " + Format.count(done, "answer"))
                    }
                }
            },
            onKnown: { count in
                (done, known) = (count, count)
                if !display.quiet {
                    Terminal.error(
                        "  \(Format.count(count, "answer")) \(count == 1 ? "is" : "are") there from a run that ended early; going on "
                            + "with the others")
                }
            }, onNote: { if !display.quiet { Terminal.error("  \($0)") } },
            shouldStop: { Interrupt.isRequested })
        if streams {
            try Terminal.write(piece: "\n")
        } else if request.output == nil, !display.json {
            for text in texts { try Terminal.output(text.text + "\n") }
        }
        if display.json {
            try display.print(report) { "" }
        } else if !display.quiet {
            Terminal.error(
                Self.summary(report, known: known)
                    + (report.output.map {
                        "; \(report.kept ?? 0) that are written to \($0)"
                    } ?? ""))
        }
    }

    /// "12 answers, 240 tokens in 2.0 s (120 tokens/s)"; where a run before has made all answers, no speed.
    ///
    /// - Parameters:
    ///   - report: What was generated.
    ///   - known: The answers that a run before has made.
    static func summary(_ report: AnswerRun.Report, known: Int) -> String {
        let answers = Format.count(report.answers, "answer")
        guard known < report.answers else { return answers + ", all of a run before" }
        let speed =
            Format.count(report.tokens, "token")
            + String(format: " in %.1f s (%.0f tokens/s)", report.seconds, report.tokensPerSecond)
        return answers + (known > 0 ? ", \(known) of a run before, " : ", ") + speed
    }
}

extension AnswerWeights: ExpressibleByArgument {}

/// How tokens are chosen.
struct SamplingOptions: ParsableArguments {
    @Option(help: "The most tokens of an answer. (default: the model's, or 256)")
    var maxNewTokens: Int?

    @Option(
        help: "Divides the logits; 0 takes the most probable token each time. (default: the model's, or 0)")
    var temperature: Double?

    @Option(help: "Choose among this many most probable tokens. (default: the model's, or all)")
    var topK: Int?

    @Option(
        help:
            "Choose among the most probable tokens that together have this probability. (default: the model's, or 1)"
    )
    var topP: Double?

    @Option(
        help:
            "Leave out tokens with less than this fraction of the most probable one's probability. (default: 0)"
    )
    var minP: Double?

    @Option(help: "Make tokens that were there less probable by this factor. (default: the model's, or 1)")
    var repetitionPenalty: Double?

    @Option(
        help: ArgumentHelp(
            "A string before which an answer ends; several times for several.", valueName: "text"))
    var stop: [String] = []

    @Option(help: "The seed of the random choices. (default: 42)")
    var seed: UInt64?

    /// Refuses values out of range by the options' names.
    func requireRanges() throws {
        func require(_ holds: Bool?, _ option: String, _ range: String) throws {
            if holds == false { throw ValidationError("\(option) must be \(range)") }
        }
        try require(maxNewTokens.map { $0 > 0 }, "--max-new-tokens", "at least 1")
        try require(temperature.map { $0 >= 0 && $0.isFinite }, "--temperature", "0 or above")
        try require(topK.map { $0 > 0 }, "--top-k", "at least 1")
        try require(topP.map { $0 > 0 && $0 <= 1 }, "--top-p", "above 0 and at most 1")
        try require(minP.map { $0 >= 0 && $0 <= 1 }, "--min-p", "from 0 to 1")
        try require(
            repetitionPenalty.map { $0 > 0 && $0.isFinite }, "--repetition-penalty", "above 0 (1 for none)")
        try require(!stop.contains(""), "--stop", "at least one character")
    }

    var changes: GenerationOptions.Changes {
        var changes = GenerationOptions.Changes()
        (changes.maxNewTokens, changes.temperature) = (maxNewTokens, temperature)
        (changes.topK, changes.topP, changes.minP) = (topK, topP, minP)
        (changes.repetitionPenalty, changes.stop, changes.seed) = (repetitionPenalty, stop, seed)
        return changes
    }
}
