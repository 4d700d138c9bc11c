import ArgumentParser
import DistillRuntime
import Logging
import NIOCore
import Serving

extension EntityAggregation.Strategy: ExpressibleByArgument {}

/// Refuses a number of threads that cannot be asked for.
private func checkThreads(_ count: Int?, _ option: String) throws {
    let allowed = ComputeThreads.allowed
    guard let count, !allowed.contains(count) else { return }
    throw ValidationError(
        "\(option) must be a number from \(allowed.lowerBound) to \(allowed.upperBound), got \(count)")
}

/// What is served.
struct ModelArguments: ParsableArguments {
    @Option(
        name: .customLong("model"),
        help: ArgumentHelp(
            "A model directory, or NAME=DIRECTORY; may be given several times. Paths without a name are the first one's.",
            valueName: "dir"), completion: .directory)
    var model: [String]

    @Option(help: "A text may have this many tokens (default: as in the model's training).")
    var maxLength: Int?

    @Option(
        help: "How a tagger's tokens become entities: none, simple, first, average, max (default: simple).")
    var aggregation: EntityAggregation.Strategy?

    @Flag(help: "Multiply in bfloat16: less exact, faster where the processor has it.")
    var bfloat16 = false

    @Option(help: "Threads to compute on (default: as many as this process has processors).")
    var threads: Int?

    func validate() throws {
        if let maxLength, maxLength < 3 {
            throw ValidationError("--max-length must be at least 3, got \(maxLength)")
        }
        try checkThreads(threads, "--threads")
    }

    func references() throws -> [ModelReference] { try model.map { try ModelReference($0) } }

    var options: ModelOptions {
        ModelOptions(maxLength: maxLength, usesBFloat16: bfloat16, aggregation: aggregation ?? .simple)
    }
}

/// What is taken of requests, by text-embeddings-inference's names and defaults where it has them.
struct RequestArguments: ParsableArguments {
    @Option(help: "Requests in progress; further ones are refused at once (429).")
    var maxConcurrentRequests = 512

    @Option(help: "Tokens that are computed together.")
    var maxBatchTokens = 16384

    @Option(help: "Texts of a request.")
    var maxClientBatchSize = 32

    @Flag(help: "Cut texts that are too long where a request does not say; without it they are errors.")
    var autoTruncate = false

    @Option(help: "Threads that tokenize large requests (default: as many as processors).")
    var tokenizationWorkers: Int?

    @Option(help: "Bytes of a body (413 above).")
    var maxBodyBytes = 2_000_000

    @Option(help: "Seconds within which a request must begin to be computed (429 after).")
    var requestTimeout = 30.0

    @Option(help: "Seconds within which a request's head must come, counted from the last answer.")
    var idleTimeout = 60.0

    @Option(help: "Seconds within which a request's body must come (408 after), and an answer be taken.")
    var bodyTimeout = 30.0

    @Option(help: "Seconds for which open connections may still bring a request when the server shuts down.")
    var drainTimeout = 1.0

    @Option(help: "Seconds within which a server that shuts down answers what it accepted.")
    var shutdownTimeout = 60.0

    func validate() throws {
        let counts = [
            ("max-concurrent-requests", maxConcurrentRequests), ("max-batch-tokens", maxBatchTokens),
            ("max-client-batch-size", maxClientBatchSize), ("max-body-bytes", maxBodyBytes),
        ]
        for (name, count) in counts where !(1...1_000_000_000 ~= count) {
            throw ValidationError("--\(name) must be a number from 1 to 1000000000, got \(count)")
        }
        // Each is a thread.
        try checkThreads(tokenizationWorkers, "--tokenization-workers")
        let times = [
            ("request-timeout", requestTimeout), ("idle-timeout", idleTimeout), ("body-timeout", bodyTimeout),
            ("drain-timeout", drainTimeout), ("shutdown-timeout", shutdownTimeout),
        ]
        for (name, seconds) in times where !(seconds > 0 && seconds <= 86400) {
            throw ValidationError("--\(name) must be above 0 and at most 86400 seconds, got \(seconds)")
        }
    }

    var limits: ServingLimits {
        var limits = ServingLimits()
        limits.maxConcurrentRequests = maxConcurrentRequests
        limits.maxBatchTokens = maxBatchTokens
        limits.maxClientBatchSize = maxClientBatchSize
        limits.autoTruncate = autoTruncate
        if let tokenizationWorkers { limits.tokenizationWorkers = tokenizationWorkers }
        limits.requestTimeout = .seconds(requestTimeout)
        limits.maxBodyBytes = maxBodyBytes
        return limits
    }

    var connectionLimits: ConnectionLimits {
        func amount(_ seconds: Double) -> TimeAmount { .microseconds(Int64(seconds * 1e6)) }
        var limits = ConnectionLimits(maxBodyBytes: maxBodyBytes)
        (limits.idle, limits.body, limits.write) = (
            amount(idleTimeout), amount(bodyTimeout), amount(bodyTimeout)
        )
        limits.drain = amount(drainTimeout)
        return limits
    }
}

/// What is told of it.
struct LoggingArguments: ParsableArguments {
    enum Format: String, ExpressibleByArgument { case text, json }
    enum Level: String, ExpressibleByArgument {
        case debug, info, warning, error

        var level: Logger.Level {
            switch self {
            case .debug: .debug
            case .info: .info
            case .warning: .warning
            case .error: .error
            }
        }
    }

    @Option(help: "The form of messages on standard error: text, json.")
    var logFormat = Format.text

    @Option(help: "The least level of messages: debug, info, warning, error.")
    var logLevel = Level.info

    @Flag(help: "A message for each request.")
    var accessLog = false

    var logger: Logger {
        Logger(label: "distill-serve") { _ in
            LineLogHandler(level: logLevel.level, writesJSON: logFormat == .json)
        }
    }
}
