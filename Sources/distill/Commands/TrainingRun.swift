import ArgumentParser
import Distillation

/// What `finetune` and `run` share once their settings are known.
enum TrainingRun {
    /// Runs, shows the progress, prints the result, and ends the process as a signal asks.
    static func perform(
        _ display: DisplayOptions,
        _ run: (_ onEvent: @escaping (RunEvent) -> Void, _ shouldStop: @escaping () -> Bool) throws ->
            RunReport
    ) throws {
        Interrupt.install()
        let renderer = RunRenderer(quiet: display.quiet)
        let report = try run({ renderer.handle($0) }, { Interrupt.isRequested })
        try display.print(report) { (display.quiet ? "" : "\n") + ReportText.run(report) }
        renderer.repeatWarnings()
        if report.interrupted { throw ExitCode(Interrupt.exitCode) }
    }
}
