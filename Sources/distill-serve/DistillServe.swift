import ArgumentParser
import CKernels
import DistillRuntime
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL
import ServiceLifecycle
import Serving
import Storage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// The server: `distill serve` starts it.
@main
struct DistillServe: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "distill serve",
        abstract: "Answer requests over HTTP, as text-embeddings-inference does.",
        discussion: """
            Classifiers, taggers, re-rankers and embedding models are served on the CPU, without libtorch: POST /predict, /rerank, \
            /embed, /embed_all, /similarity, /v1/embeddings, /tokenize, /decode; /health, /ready, /info, /metrics, /openapi.json, and \
            a page at / to try texts. SIGHUP opens the models and reads key and certificate anew; SIGTERM answers what was accepted, \
            then ends.

            Examples:
              distill serve --model student
              distill serve --model small=student --model large=teacher --host 0.0.0.0 --api-key-file key.txt
              distill serve --model all-MiniLM-L6-v2
              curl localhost:3000/predict -H 'Content-Type: application/json' -d '{"inputs": "A film to remember."}'
            """,
        version: Version.current)

    @OptionGroup var models: ModelArguments
    @OptionGroup var network: NetworkArguments
    @OptionGroup var requests: RequestArguments
    @OptionGroup var logging: LoggingArguments

    func run() async throws {
        signal(SIGPIPE, SIG_IGN)
        // Until the models can be reloaded, a wish for it must not end the program.
        signal(SIGHUP, SIG_IGN)
        MappedFile.endsWhereShortened()
        if let threads = models.threads { ck_set_threads(Int32(threads)) }
        let logger = logging.logger
        let service: PredictService
        let secrets: Secrets
        let server: HTTPServerBuilder
        do {
            secrets = try Secrets(network)
            server = try network.server(requests.connectionLimits, secrets)
            service = try PredictService(models.references(), models.options, requests.limits)
        } catch let error as ServingError {
            throw ServeError(error.message)
        } catch {
            throw ServeError("\(error)")
        }
        for model in service.models.current.models {
            for warning in model.warnings {
                logger.warning("\(warning)", metadata: ["model": "\(model.name)"])
            }
        }
        if secrets.key == nil, !network.isLoopback {
            logger.warning("anyone who reaches this address may send requests; --api-key-file asks for a key")
        }
        raiseFileLimit()
        let application = Application(
            responder: ServingResponder(
                service: service, secrets: secrets, logsRequests: logging.accessLog, logger: logger),
            server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(network.host, port: network.port), backlog: 1024,
                availableConnectionsDelegate: .maximum(network.maxConnections, logger: quiet)),
            onServerRunning: { channel in
                logger.info(
                    "listening",
                    metadata: [
                        "host": "\(network.host)", "port": "\(channel.localAddress?.port ?? network.port)",
                        "models": "\(service.models.current.models.map(\.name).joined(separator: ","))",
                    ])
            }, logger: quiet)
        var configuration = ServiceGroupConfiguration(
            services: [application, ReloadService(service: service, secrets: secrets, logger: logger)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(requests.shutdownTimeout)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            throw ServeError("the server ended: \(error)")
        }
        logger.info("ended")
    }

    /// Hummingbird's own messages, of which only warnings say something that ours do not.
    private var quiet: Logger {
        var logger = logging.logger
        logger.logLevel = max(.warning, logger.logLevel)
        return logger
    }

    /// Each connection is an open file.
    private func raiseFileLimit() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}

/// Why the server does not run, in a line.
struct ServeError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
