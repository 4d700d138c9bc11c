import ArgumentParser
import Distillation
import Foundation

struct LabelCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "label",
        abstract: "Compute a teacher's outputs ahead of `distill run`, and keep them in the cache or a file.",
        discussion: """
            The texts need no labels. Outputs that are there already are skipped, so an interrupted job goes on where \
            it was. With --shard, several machines divide the work: shard 3/8 is every eighth text from the third on; \
            copy the folders teachers/<key> of their caches into one.

            `distill run` reads training data as --precision auto does, and validation data as --precision float32.

            --output also writes them as JSON lines, for `distill run --teacher-scores`; as logits they give, bit for bit, the \
            student of --teacher.

            --zero-shot labels texts by a model of natural language inference (MNLI) that was trained on none of the labels: each \
            is put into the template, and scored by how far the text entails it. A model for embeddings scores each by the cosine \
            of both vectors, times --scale.

            Examples:
              distill label --teacher teacher --data train.csv
              distill label --teacher teacher --data train.csv --output scores.jsonl
              distill label --zero-shot --teacher mnli --labels names.txt --template "This text is about {}." \
                --data texts.csv --output scores.jsonl
              distill label --teacher teacher --data texts.jsonl.gz --shard 3/8 --cache-dir /shared/cache
            """)

    @Option(
        help: ArgumentHelp(
            "The teacher's directory, or the .gguf file of a language model.", valueName: "model"),
        completion: .directory)
    var teacher: String

    @Option(
        help: ArgumentHelp(
            "Texts: .csv, .tsv or .jsonl, each also with .gz; a language model's conversations: .jsonl or Parquet.",
            valueName: "file"),
        completion: .file(extensions: dataFileExtensions))
    var data: String

    @Option(help: "The column of the text. (default: text, sentence, … whichever is there)")
    var textColumn: String?

    @Option(help: "The column of the second text, for tasks on pairs.")
    var textPairColumn: String?

    @OptionGroup var conversation: ConversationColumnOptions

    @Option(
        help:
            "For language models, the form of the teacher: float16, float32, int8 or top-k:64 (1 to 4096). (default: float16)"
    )
    var teacherStates: TeacherStateCoding?

    @OptionGroup var delimited: DelimitedOptions

    @Option(
        help:
            "Longer inputs are cut to this many tokens. (default: as in the teacher's training, else the tokenizer's)"
    )
    var maxLength: Int?

    @Option(help: "Texts in one forward pass.")
    var batchSize = 64

    @Option(help: ArgumentHelp("The part of the texts to take, such as 3/8.", valueName: "k/n"))
    var shard: String?

    @Option(
        help: ArgumentHelp("Also write the scores to this file, as JSON lines.", valueName: "file"),
        completion: .file(extensions: ["jsonl"]))
    var output: String?

    @Option(
        name: .customLong("scores"),
        help: "The numbers that --output writes: logits or probabilities. (default: logits)")
    var numbers: ScoreOutput?

    @Flag(help: "Replace --output where it is there.")
    var overwrite = false

    @Flag(
        help:
            "The teacher is a model of natural language inference, or for embeddings, which labels texts by --labels."
    )
    var zeroShot = false

    @Option(
        help: ArgumentHelp("For --zero-shot: a file of the labels, one a line.", valueName: "file"),
        completion: .file())
    var labels: String?

    @Option(
        help: ArgumentHelp(
            "For --zero-shot: what is said of a text, with {} for the label. (default: \(ZeroShotOptions.usualTemplate))",
            valueName: "text"))
    var template: String?

    @Option(
        help: ArgumentHelp(
            "For --zero-shot with a model for embeddings: what cosines are multiplied by. (default: \(ZeroShotOptions.usualScale))",
            valueName: "number"))
    var scale: Double?

    @Flag(help: "For --zero-shot: labels do not exclude one another.")
    var multiLabel = false

    @OptionGroup(title: "Running") var cache: CacheDirectoryOptions
    @OptionGroup(title: "Running") var compute: ComputeOptions
    @OptionGroup(title: "Running") var processes: ProcessOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    func validate() throws {
        if zeroShot {
            guard labels != nil else {
                throw ValidationError("--zero-shot needs the labels: give a file with --labels, one a line.")
            }
            guard output != nil else {
                throw ValidationError(
                    "--zero-shot writes the scores that it makes: name a file with --output.")
            }
        } else if labels != nil || template != nil || scale != nil || multiLabel {
            throw ValidationError(
                "--labels, --template, --scale and --multi-label belong to --zero-shot: pass it too.")
        }
        guard output != nil || numbers == nil && !overwrite else {
            throw ValidationError("--scores and --overwrite belong to --output: name a file.")
        }
    }

    func request() throws -> LabelRequest {
        let cache = try self.cache.options()
        var request = LabelRequest(
            teacher: try ModelReference.directory(teacher, cache: cache),
            data: try DataReference.url(data, split: .train))
        request.textColumn = textColumn
        request.textPairColumn = textPairColumn
        (request.messagesColumn, request.promptColumn) = (
            conversation.messagesColumn, conversation.promptColumn
        )
        request.completionColumn = conversation.completionColumn
        request.teacherStates = teacherStates ?? request.teacherStates
        request.delimited = try delimited.format()
        request.maxLength = maxLength
        request.batchSize = batchSize
        request.shard = try shard.map { try Shard($0) }
        request.output = output.map { URL(filePath: $0) }
        request.numbers = numbers ?? request.numbers
        request.overwrite = overwrite
        request.zeroShot = try labels.map {
            try ZeroShotOptions(
                labelsIn: URL(filePath: $0), template: template ?? ZeroShotOptions.usualTemplate,
                isMultiLabel: multiLabel, scale: scale)
        }
        request.cache = cache
        request.device = try compute.readyDevice()
        request.precision = compute.precision ?? request.precision
        return request
    }

    func run() throws {
        let run = try UsageError.checking { try LabelRun(try request()) }
        try processes.perform(threads: compute.threads) { processes in
            Interrupt.install(.checkpoints)
            let isFirst = processes?.isFirst ?? true
            let renderer = RunRenderer(quiet: display.quiet)
            let report = try run.run(
                onEvent: { if isFirst { renderer.handle($0) } }, shouldStop: { Interrupt.isRequested },
                processes: processes)
            if isFirst { try display.print(report) { ReportText.label(report) } }
            if report.interrupted { throw ExitCode(Interrupt.exitCode) }
        }
    }
}

extension ScoreOutput: ExpressibleByArgument {}
