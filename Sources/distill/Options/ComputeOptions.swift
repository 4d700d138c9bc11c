import ArgumentParser
import Torch

/// Where computation happens.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Where tensors live: cpu, cuda, cuda:1, mps. (default: cpu)")
    var device: String?

    @Option(
        help:
            "What is computed with: auto, float32 or bfloat16. (default: auto to train, float32 to evaluate and predict)"
    )
    var precision: Precision?

    @Option(help: "Threads of one operation. (default: one for each core)")
    var threads: Int?

    /// Makes the device ready, and sets the number of threads.
    func device(_ settings: Settings = Settings(file: nil)) throws -> Device {
        try Self.setThreads(settings.value("threads", threads))
        let name = try settings.value("device", device) ?? "cpu"
        do { return try Device(name) } catch { throw UsageError("\(error)") }
    }

    /// - Parameter threads: `nil` for one for each core.
    static func setThreads(_ threads: Int?) throws {
        guard let threads else { return }
        guard threads > 0 else { throw UsageError("threads must be at least 1, got \(threads)") }
        try Runtime.setThreadCount(threads)
    }
}

extension Precision: ExpressibleByArgument {}
