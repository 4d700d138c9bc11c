import ArgumentParser
import Distillation
import Foundation
import Transformers

struct FineTuneCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "finetune",
        abstract:
            "Train a pretrained model: an encoder on labeled texts, or a language model on conversations.",
        discussion: """
            The output directory holds config.json, model.safetensors, the tokenizer's files, a model card and \
            training.json with every setting and metric. The epoch that is best on the validation data is kept.

            Examples:
              distill finetune --model all-MiniLM-L6-v2 --train train.csv --validation dev.csv --output teacher
              distill finetune --model bert --train train.jsonl.gz --text-column review --label-column stars \\
                               --learning-rate 2e-5 --epochs 2 --output teacher
              distill finetune --config finetune.yaml --seed 7
            """)

    @Option(
        help: ArgumentHelp("The model directory to start from.", valueName: "dir"), completion: .directory)
    var model: String?

    @Flag(help: "Replace a classifier head for another number of classes by a fresh one.")
    var ignoreMismatchedSizes = false

    @Option(
        help:
            "The function that makes a score of a ranking model's logit: identity or sigmoid. (default: the model's own, else identity)"
    )
    var scoreActivation: ScoreActivation?

    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Training") var lora: LoRAOptionGroup
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Output") var report: ReportOptions
    @OptionGroup(title: "Checkpoints") var checkpoints: CheckpointOptionGroup
    @OptionGroup(title: "Running") var cache: CacheDirectoryOptions
    @OptionGroup(title: "Running") var compute: ComputeOptions
    @OptionGroup(title: "Running") var processes: ProcessOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    /// The flags and the configuration file as one request.
    func request() throws -> FineTuneRequest {
        var settings = try Settings(path: output.config)
        settings.override("model", model)
        settings.override("ignore_mismatched_sizes", switch: ignoreMismatchedSizes)
        settings.override("score_activation", scoreActivation)
        data.register(in: &settings)
        training.register(in: &settings)
        lora.register(in: &settings)
        output.register(in: &settings)
        report.register(in: &settings)
        checkpoints.register(in: &settings)
        cache.register(in: &settings)
        compute.register(in: &settings)
        return try FineTuneRequest(settings, locator: .commandLine)
    }

    func run() throws {
        let run = try UsageError.checking { try FineTuningRun(try request()) }
        try processes.perform(threads: compute.threads) { processes in
            try TrainingRun.perform(display, isFirst: processes?.isFirst ?? true) {
                try run.run(onEvent: $0, stopRequest: $1, processes: processes)
            }
        }
    }
}
