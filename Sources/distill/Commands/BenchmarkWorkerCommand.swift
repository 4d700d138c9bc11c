import ArgumentParser
import Benchmarking
import Distillation

/// The process of one model in `distill benchmark`, which starts it.
struct BenchmarkWorkerCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "benchmark-worker", abstract: "Runs one model for `distill benchmark`.",
        shouldDisplay: false)

    func run() { BenchmarkWorker.run() }
}
