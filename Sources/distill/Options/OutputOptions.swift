import ArgumentParser
import Distillation

/// The destination of a trained model.
struct OutputOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("The directory to save the model in.", valueName: "dir"), completion: .directory)
    var output: String?

    @Flag(help: "Replace the output directory if it is there and not empty.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "The directory for TensorBoard's curves and metrics.jsonl, a line for each log step.",
            valueName: "dir"),
        completion: .directory)
    var loggingDir: String?

    @Option(
        help: ArgumentHelp(
            "A YAML file of settings, named as the options but in snake case; options override it.",
            valueName: "file"),
        completion: .file(extensions: ["yaml", "yml"]))
    var config: String?

    func register(in settings: inout Settings) {
        settings.override("output", output)
        settings.override("overwrite", switch: overwrite)
        settings.override("logging_dir", loggingDir)
    }
}
