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
            service = try PredictService(models.references(), models.options, requests.limits)
            server = try network.server(
                requests.connectionLimits,
                Admission(
                    service: service, secrets: secrets, logsRequests: logging.accessLog, logger: logger))
        } catch let error as ServingError {
            throw ServeError(error.message)
        } catch {
            throw ServeError("\(error)")
        }
        try warn(of: service.models.current.models, logger)
        if secrets.key == nil, !network.isLoopback {
            logger.warning("anyone who reaches this address may send requests; --api-key-file asks for a key")
        }
        let maxConnections = connections(logger)
        let application = Application(
            responder: ServingResponder(
                service: service, secrets: secrets, logsRequests: logging.accessLog, logger: logger),
            server: server,
            configuration: ApplicationConfiguration(
                address: .hostname(network.host, port: network.port), backlog: 1024,
                availableConnectionsDelegate: .maximum(maxConnections, logger: quiet)),
            onServerRunning: { channel in
                logger.info(
                    "listening",
                    metadata: [
                        "host": "\(network.host)", "port": "\(channel.localAddress?.port ?? network.port)",
                        "models": "\(service.models.current.models.map(\.name).joined(separator: ","))",
                    ])
            }, logger: quiet)
        var configuration = ServiceGroupConfiguration(
            services: [
                ShutdownWatch(service: service, timeout: requests.shutdownTimeout, logger: logger),
                application,
                ReloadService(service: service, secrets: secrets, logger: logger),
            ],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        configuration.maximumGracefulShutdownDuration = .seconds(requests.shutdownTimeout)
        do {
            try await ServiceGroup(configuration: configuration).run()
        } catch {
            throw network.explained(error)
        }
        logger.info("ended")
    }

    /// Tells what the models' files and the options have that is not taken.
    ///
    /// - Throws: ``ServeError`` for an option that concerns none of the models.
    private func warn(of served: [ServedModel], _ logger: Logger) throws {
        guard models.aggregation == nil || served.contains(where: { $0.kind == .tagger }) else {
            throw ServeError(
                "--aggregation is for models of token classification, which none of these is; leave it out")
        }
        for model in served {
            var warnings = model.warnings
            if let wanted = models.maxLength, let positions = model.mostTokens, wanted > positions {
                warnings.append(
                    "the model has \(positions) positions, so that a text may have as many tokens, not --max-length \(wanted)"
                )
            }
            for warning in warnings {
                logger.warning("\(warning)", metadata: ["model": "\(model.name)"])
            }
        }
    }

    /// Hummingbird's own messages, of which only warnings say something that ours do not.
    private var quiet: Logger {
        var logger = logging.logger
        logger.logLevel = max(.warning, logger.logLevel)
        return logger
    }

    /// The number of connections that may be open: each is an open file, and a server that has none left can neither take a
    /// connection nor open a model.
    private func connections(_ logger: Logger) -> Int {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
            return network.maxConnections
        }
        limit.rlim_cur = limit.rlim_max
        setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        let room = max(1, Int(clamping: limit.rlim_cur) - Self.otherFiles)
        guard room < network.maxConnections else { return network.maxConnections }
        logger.warning(
            "the system lets this process have \(limit.rlim_cur) files open, so that \(room) connections are taken at a time, not --max-connections \(network.maxConnections); raise its limit (ulimit -n, LimitNOFILE)"
        )
        return room
    }

    /// The files that a server without connections has open, and those that a reload opens.
    private static let otherFiles = 32
}

/// Why the server does not run, in a line.
struct ServeError: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}
