import Dispatch
import Logging
import ServiceLifecycle
import Serving
import UnixSignals

/// Opens the models anew on SIGHUP, and says that the server is not ready when it shuts down.
struct ReloadService: Service {
    let service: PredictService
    let logger: Logger

    func run() async throws {
        for await _ in await UnixSignalsSequence(trapping: .sighup).cancelOnGracefulShutdown() {
            let error: (any Error)? = await withCheckedContinuation { continuation in
                // Reading models takes a while, which no request has to wait for.
                DispatchQueue.global().async {
                    do {
                        try service.models.reload()
                        continuation.resume(returning: nil)
                    } catch {
                        continuation.resume(returning: error)
                    }
                }
            }
            service.metrics.recordReload(isDone: error == nil)
            if let error {
                let reason = (error as? ServingError)?.message ?? "\(error)"
                logger.error(
                    "the models are not reloaded, those of before are still served",
                    metadata: ["reason": "\(reason)"])
            } else {
                logger.info("reloaded")
            }
        }
        service.close()
        // Cancelled is who never came to serve; the reason is told elsewhere.
        if !Task.isCancelled { logger.info("shutting down") }
    }
}
