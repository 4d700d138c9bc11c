import Logging
import ServiceLifecycle
import Serving

/// Says which requests a shutdown leaves without their answers. It is the first of the services, so that it ends last.
struct ShutdownWatch: Service {
    let service: PredictService
    let timeout: Double
    let logger: Logger

    func run() async throws {
        await withTaskCancellationHandler {
            try? await gracefulShutdown()
        } onCancel: {
            let count = service.runningCount
            guard count > 0 else { return }
            logger.warning(
                "requests are cut that were not answered within --shutdown-timeout",
                metadata: ["requests": "\(count)", "seconds": "\(timeout)"])
        }
    }
}
