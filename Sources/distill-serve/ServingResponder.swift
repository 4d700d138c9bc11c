import HTTPTypes
import Hummingbird
import JSON
import Logging
import NIOCore
import NIOHTTP1
import Serving

extension ServingError {
    /// True where a body was not read to its end.
    fileprivate var endsConnection: Bool {
        [408, 413].contains(status) || kind == .validation && status == 400
    }
}

/// Answers requests over HTTP.
struct ServingResponder: HTTPResponder {
    typealias Context = BasicRequestContext

    let service: PredictService
    let secrets: Secrets
    let logsRequests: Bool
    let logger: Logger

    func respond(to request: Request, context: Context) async throws -> Response {
        let start = ContinuousClock.now
        let answered = try await answer(request)
        // An answer to HEAD, also an error, is its head alone: a client would take a body for the next answer.
        let response = request.method == .head ? answered.createHeadResponse() : answered
        if logsRequests {
            logger.info(
                "request",
                metadata: [
                    "method": "\(request.method.rawValue)", "path": "\(request.head.path ?? "")",
                    "status": "\(response.status.code)", "seconds": "\((.now - start) / .seconds(1))",
                ])
        }
        return response
    }

    private func answer(_ request: Request) async throws -> Response {
        switch Route.resolve(request.method.rawValue, request.head.path ?? "") {
        case .unknownPath:
            return error(ServingError(.validation, "no such path; see /openapi.json", status: 404))
        case .wrongMethod(let allowed):
            var response = error(
                ServingError(.validation, "this path takes the methods \(allowed)", status: 405))
            response.headers[.allow] = allowed
            return response
        case .route(let route, _):
            let hasOpenAIErrors =
                if case .ask(let endpoint, _) = route { endpoint.hasOpenAIErrors } else { false }
            if let key = secrets.key, !route.isPublic, !key.matches(request.headers[.authorization]) {
                var response = error(
                    ServingError(
                        .validation, "the API key is missing or wrong: Authorization: Bearer KEY", status: 401
                    ), isOpenAI: hasOpenAIErrors)
                response.headers[.wwwAuthenticate] = "Bearer"
                return response
            }
            do throws(ServingError) {
                if case .ask(let endpoint, let name) = route {
                    return try await ask(endpoint, request, name)
                }
                return try answer(route)
            } catch {
                // A body of which not all was read ends the connection.
                return self.error(error, closes: error.endsConnection, isOpenAI: hasOpenAIErrors)
            }
        }
    }

    private func answer(_ route: Route) throws(ServingError) -> Response {
        switch route {
        case .health: return Response(status: .ok)
        case .ready:
            guard service.isReady else {
                throw ServingError(.unhealthy, "the server is shutting down")
            }
            return Response(status: .ok)
        case .metrics: return text(service.metricsText, "text/plain; version=0.0.4; charset=utf-8")
        case .openAPI: return json(service.openAPI(hasKey: secrets.key != nil))
        case .models: return json(service.allInfo)
        case .info(let name): return json(service.info(try service.models.current.model(name)))
        case .page(let name): return Page.response(name)
        case .ask: throw ServingError(.validation, "this path takes the method POST", status: 405)
        }
    }

    private func ask(
        _ endpoint: Endpoint, _ request: Request, _ name: String?
    ) async throws(ServingError) -> Response {
        let mediaType = (request.headers[.contentType] ?? "").prefix { $0 != ";" }
            .lowercased().filter { $0 != " " && $0 != "\t" }
        guard
            mediaType == "application/json"
                || mediaType.hasPrefix("application/") && mediaType.hasSuffix("+json")
        else {
            throw ServingError(
                .validation, "the body must be JSON: Content-Type: application/json", status: 415)
        }
        try requirePlain(request)
        let body = try await body(of: request)
        let answer = try await service.answer(endpoint, body, model: name)
        var response = text(answer.body, "application/json")
        for (name, value) in answer.headers {
            if let field = HTTPField.Name(name) { response.headers[field] = value }
        }
        return response
    }

    /// - Throws: `ServingError` for a body that is compressed, or coded in another way.
    private func requirePlain(_ request: Request) throws(ServingError) {
        if let coding = request.headers[.contentEncoding], coding.lowercased() != "identity" {
            throw ServingError(
                .validation, "the body must be plain JSON, not of Content-Encoding \(coding)", status: 415)
        }
        if let coding = request.headers[.transferEncoding], coding.lowercased() != "chunked" {
            throw ServingError(
                .validation, "the only Transfer-Encoding that is read is chunked, got \(coding)", status: 501)
        }
    }

    /// The bytes of a body.
    ///
    /// - Throws: `ServingError` where it is too large or comes too slowly.
    private func body(of request: Request) async throws(ServingError) -> [UInt8] {
        let limit = service.limits.maxBodyBytes
        let tooLarge = ServingError(
            .validation, "the body is larger than \(limit) bytes; send fewer texts at once", status: 413)
        let length = request.headers[.contentLength].flatMap { Int($0) } ?? 0
        guard length <= limit else { throw tooLarge }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length)
        do {
            for try await buffer in request.body {
                guard bytes.count + buffer.readableBytes <= limit else { throw tooLarge }
                bytes.append(contentsOf: buffer.readableBytesView)
            }
        } catch let error as ServingError {
            throw error
        } catch is SlowBodyError {
            throw ServingError(.validation, "the body came too slowly", status: 408)
        } catch {
            // The connection is gone, or what came is not HTTP; the answer reaches nobody, or says so.
            throw ServingError(.validation, "the body cannot be read: \(error)", status: 400)
        }
        return bytes
    }

    // MARK: - Responses

    private func error(_ error: ServingError, closes: Bool = false, isOpenAI: Bool = false) -> Response {
        if error.kind == .backend, !error.isUnfit { logger.error("\(error.message)") }
        let form = isOpenAI ? error.openAIJSON : error.json
        var response = text(form.serialized(), "application/json", status: .init(code: error.status))
        if error.kind == .overloaded || error.kind == .unhealthy { response.headers[.retryAfter] = "1" }
        if closes { response.headers[.connection] = "close" }
        return response
    }

    private func json(_ value: JSONValue) -> Response { text(value.serialized(), "application/json") }

    private func text(_ text: String, _ type: String, status: HTTPResponse.Status = .ok) -> Response {
        Response(
            status: status, headers: [.contentType: type],
            body: ResponseBody(byteBuffer: ByteBuffer(string: text)))
    }
}
