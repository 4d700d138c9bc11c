import ArgumentParser
import Distillation

/// The part that `finetune` and `run` have in common once their settings are known.
enum TrainingRun {
    /// Runs, shows the progress, prints the result, and ends the process as a signal asks.
    ///
    /// - Parameter prints: True if the result is printed.
    static func perform(
        _ display: DisplayOptions, prints: Bool = true,
        _ run: (
            _ onEvent: @escaping (RunEvent) -> Void, _ stopRequest: @escaping () -> StopRequest?
        ) throws -> RunReport
    ) throws {
        Interrupt.install(.checkpoints)
        let renderer = RunRenderer(quiet: display.quiet)
        let report = try run({ renderer.handle($0) }, { Interrupt.stopRequest })
        if prints { try display.print(report) { (display.quiet ? "" : "\n") + ReportText.run(report) } }
        renderer.repeatWarnings()
        if report.interrupted { throw ExitCode(Interrupt.exitCode) }
    }
}
