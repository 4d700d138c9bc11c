import ArgumentParser
import Distillation
import Foundation

struct RunCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Distil: teach a student from a teacher's softened outputs and the true labels.",
        discussion: """
            The loss is alpha · T² · KL(softmax(teacher / T) ‖ softmax(student / T)) + (1 − alpha) · cross-entropy. \
            The teacher is frozen and judged first; its outputs are computed once. Without a description of the \
            student it has the teacher's configuration with 6 layers and width 384, and starts at random.

            Examples:
              distill run --teacher teacher --train train.csv --validation dev.csv --output student \\
                          --layers 3 --init teacher-layers
              distill run --teacher teacher --train train.csv --output student --hidden-size 128 --attention-heads 4 \\
                          --intermediate-size 512 --layers 3 --temperature 2 --alpha 0.5
              distill run --config distill.yaml --output another

            distill.yaml:
              teacher: teacher
              train: train.csv
              layers: 3
              init: teacher-layers
              learning_rate: 1e-4
              output: student
            """)

    @Option(
        help: ArgumentHelp(
            "The teacher: a directory that `distill finetune` made, or any fine-tuned classifier.",
            valueName: "dir"),
        completion: .directory)
    var teacher: String?

    @Option(
        parsing: .unconditional, help: "Divides both sides' logits before the softmax. (default: 4)")
    var temperature: Double?

    @Option(
        parsing: .unconditional,
        help: "The weight of the teacher's side; the labels' is 1 − alpha. (default: 0.7)")
    var alpha: Double?

    @OptionGroup(title: "Student") var student: StudentOptionGroup
    @OptionGroup(title: "Data") var data: DataOptions
    @OptionGroup(title: "Training") var training: TrainingOptions
    @OptionGroup(title: "Output") var output: OutputOptions
    @OptionGroup(title: "Running") var cache: CacheOptionGroup
    @OptionGroup(title: "Running") var compute: ComputeOptions
    @OptionGroup(title: "Running") var display: DisplayOptions

    /// The flags and the configuration file as one request.
    func request() throws -> DistillRequest {
        let settings = try Settings(configuration: output.config)
        var request = DistillRequest(
            teacher: URL(filePath: try settings.required("teacher", teacher)),
            data: try data.request(settings),
            output: URL(filePath: try settings.required("output", output.output)))
        try settings.assign("temperature", temperature, to: &request.temperature)
        try settings.assign("alpha", alpha, to: &request.alpha)
        request.student = try student.options(settings)
        try settings.assign("overwrite", output.overwrite ? true : nil, to: &request.overwrite)
        request.loggingDirectory = try settings.value("logging_dir", output.loggingDir).map {
            URL(filePath: $0)
        }
        request.training = try training.arguments(settings)
        request.cache = try cache.options(settings)
        request.device = try compute.device(settings)
        try settings.assign("precision", compute.precision, to: &request.precision)
        try settings.finish()
        return request
    }

    func run() throws {
        let run = try UsageError.checking { try DistillationRun(try request()) }
        try TrainingRun.perform(display) { try run.run(onEvent: $0, shouldStop: $1) }
    }
}
