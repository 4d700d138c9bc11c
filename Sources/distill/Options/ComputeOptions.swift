import ArgumentParser
import Distillation
import Torch

/// The device and precision of the computation.
struct ComputeOptions: ParsableArguments {
    @Option(help: "Where tensors live: cpu, cuda, cuda:1, mps. (default: cpu)")
    var device: String?

    @Option(
        help:
            "What is computed with: auto, float32 or bfloat16. (default: auto to train and to generate, float32 to evaluate and predict)"
    )
    var precision: Precision?

    @Option(help: "Threads of one operation. (default: one for each core)")
    var threads: Int?

    func register(in settings: inout Settings) {
        settings.override("device", device)
        settings.override("precision", precision)
        settings.override("threads", threads)
    }

    /// The device of a command without a configuration file, made ready, with the number of threads set.
    func readyDevice() throws -> Device { try Device(SettingsReader(register)) }
}

extension Precision: ExpressibleByArgument {}
