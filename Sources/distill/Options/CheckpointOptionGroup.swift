import ArgumentParser
import Distillation

/// Checkpoints, and the resume of a run that was stopped or killed.
struct CheckpointOptionGroup: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Optimizer steps between two checkpoints; 0 saves them at a stop alone. (default: one every two minutes)",
            valueName: "steps"))
    var saveSteps: Int?

    @Option(
        help: ArgumentHelp(
            "The number of checkpoints that are kept, the last ones. (default: 2)", valueName: "n"))
    var saveTotalLimit: Int?

    @Option(
        help: ArgumentHelp(
            "The checkpoints that stay when the model is saved: none, last, or best (the last ones and the best). (default: none)",
            valueName: "which"))
    var keepCheckpoints: CheckpointOptions.Retention?

    @OptionGroup var resume: ResumeOption

    func register(in settings: inout Settings) {
        settings.override("save_steps", saveSteps)
        settings.override("save_total_limit", saveTotalLimit)
        settings.override("keep_checkpoints", keepCheckpoints)
        settings.override("resume", resume.resume)
    }
}

/// The resume by itself, for commands that keep their work in another form.
struct ResumeOption: ParsableArguments {
    @Option(
        defaultAsFlag: "latest",
        help: ArgumentHelp(
            "Go on from the last checkpoint beside the output, or from a certain one; auto starts anew where there is none.",
            valueName: "auto|dir"))
    var resume: String?
}

extension CheckpointOptions.Retention: ExpressibleByArgument {}
