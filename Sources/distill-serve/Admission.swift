import HTTPTypes
import Logging
import NIOCore
import NIOHTTP1
import Serving

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Refuses, by its head alone, a request for which a full server has no room: without a task or a copy of the body, so that refusals
/// leave the processor to those that are being answered.
struct Admission: Sendable {
    /// The answer to a request that is not taken.
    struct Refusal {
        var head: HTTPResponseHead
        var body: ByteBuffer
    }

    let service: PredictService
    let secrets: Secrets
    let logsRequests: Bool
    let logger: Logger

    /// The refusal of a request; `nil` where it is for the responder: the server has room, or the request is one that has another answer
    /// (no question to a model, no key, a body that is too large, of unknown length, or waits to be asked for).
    func refusal(of head: HTTPRequestHead) -> Refusal? {
        guard service.isFull, head.version == .http1_1 || head.version == .http1_0,
            case .route(.ask(let endpoint, let model), _) = Route.resolve(head.method.rawValue, head.uri),
            hasPlainBody(head)
        else { return nil }
        if let key = secrets.key {
            let field = head.headers[canonicalForm: "authorization"]
            guard field.count == 1, key.matches(String(field[0])) else { return nil }
        }
        guard let error = service.refusal(of: model) else { return nil }
        if logsRequests {
            logger.info(
                "request",
                metadata: [
                    "method": "\(head.method.rawValue)", "path": "\(head.uri)", "status": "\(error.status)",
                    "seconds": "0.0",
                ])
        }
        let form = endpoint.hasOpenAIErrors ? error.openAIJSON : error.json
        let body = ByteBuffer(string: form.serialized())
        var answer = HTTPResponseHead(version: .http1_1, status: .init(statusCode: error.status))
        answer.headers = [
            "Content-Type": "application/json", "Retry-After": "1", "Content-Length": "\(body.readableBytes)",
        ]
        if let date = Self.date { answer.headers.add(name: "Date", value: date) }
        return Refusal(head: answer, body: body)
    }

    /// True if the responder would read the body to its end.
    private func hasPlainBody(_ head: HTTPRequestHead) -> Bool {
        let lengths = head.headers[canonicalForm: "content-length"]
        guard lengths.count == 1, let length = Int(lengths[0]), 0...service.limits.maxBodyBytes ~= length,
            head.headers.first(name: "expect") == nil, head.headers.first(name: "transfer-encoding") == nil
        else { return false }
        return true
    }

    /// The time in HTTP's form (RFC 9110, 5.6.7).
    private static var date: String? {
        var seconds = time(nil)
        var parts = tm()
        guard gmtime_r(&seconds, &parts) != nil else { return nil }
        let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ]
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) "
            + "\(parts.tm_year + 1900) \(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
    }
}
