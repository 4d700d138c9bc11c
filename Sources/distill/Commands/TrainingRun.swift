import ArgumentParser
import Distillation

/// The part that `finetune` and `run` have in common once their settings are known.
enum TrainingRun {
    /// Runs, shows the progress, prints the result, and ends the process as a signal asks.
    ///
    /// - Parameters:
    ///   - prints: True if the result is printed.
    ///   - isFirst: False in a process that works for another, which shows what all do.
    static func perform(
        _ display: DisplayOptions, prints: Bool = true, isFirst: Bool = true,
        _ run: (
            _ onEvent: @escaping (RunEvent) -> Void, _ stopRequest: @escaping () -> StopRequest?
        ) throws -> RunReport
    ) throws {
        Interrupt.install(.checkpoints)
        let renderer = RunRenderer(quiet: display.quiet)
        let report = try run({ if isFirst { renderer.handle($0) } }, { Interrupt.stopRequest })
        if prints, isFirst {
            try display.print(report) { (display.quiet ? "" : "\n") + ReportText.run(report) }
        }
        renderer.repeatWarnings()
        if report.interrupted { throw ExitCode(Interrupt.exitCode) }
    }
}
