import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1

/// Requests to the Hub: tokens, redirects, attempts.
struct HubTransport: Sendable {
    let clients: HubClients
    let configuration: HubConfiguration
    let repository: HubRepository

    private var id: String { repository.id }
    private var revision: String { repository.revision }

    struct Answer {
        let response: HTTPClientResponse
        /// The URL of the response, after redirects.
        let url: URL
    }

    /// Sends a request and follows redirects. The token goes to the endpoint's own scheme, host and port alone.
    ///
    /// - Parameters:
    ///   - staying: True if a redirect to another host is itself the response, as it is for a `HEAD`.
    func send(_ method: HTTPMethod, _ text: String, headers: [(String, String)] = [], staying: Bool = false)
        async throws
        -> Answer
    {
        guard var url = URL(string: text), let home = Origin(configuration.endpoint) else {
            throw HubError.badAnswer(url: text, reason: "is no http or https address")
        }
        for _ in 0..<10 {
            guard let origin = Origin(url) else {
                throw HubError.badAnswer(
                    url: text, reason: "leads to \(HubError.quoted(url.absoluteString)), which is not http")
            }
            var request = HTTPClientRequest(url: url.absoluteString)
            request.method = method
            request.headers = HTTPHeaders(headers)
            request.headers.add(name: "Accept-Encoding", value: "identity")
            request.headers.add(name: "User-Agent", value: "distill; swift")
            if origin == home, let token = configuration.token {
                guard token.utf8.allSatisfy({ (33...126).contains($0) }) else {
                    throw HubError.unauthorized(url: text)
                }
                request.headers.add(name: "Authorization", value: "Bearer \(token)")
            }
            let response: HTTPClientResponse
            do {
                response = try await clients.client(for: url).execute(request, deadline: .distantFuture)
            } catch { throw try Self.unreachable(text, error, through: clients.proxy(for: url)) }
            guard (300..<400).contains(Int(response.status.code)),
                let place = response.headers.first(name: "Location")
            else { return Answer(response: response, url: url) }
            guard let target = URL(string: place, relativeTo: url)?.absoluteURL else {
                throw HubError.badAnswer(
                    url: text, reason: "redirects to \(HubError.quoted(place)), which is no address")
            }
            if staying, Origin(target) != origin { return Answer(response: response, url: target) }
            try await Self.discard(response)
            url = target
        }
        throw HubError.tooManyRedirects(url: text)
    }

    /// Reads a response that will not be used, so that its connection can be reused; a long one closes the connection
    /// instead.
    static func discard(_ response: HTTPClientResponse) async throws {
        _ = try? await response.body.collect(upTo: 1 << 16)
    }

    static func unreachable(_ url: String, _ error: any Error, through proxy: HubProxy? = nil) throws
        -> HubError
    {
        if error is CancellationError || Task.isCancelled { throw CancellationError() }
        if let error = error as? HubError { return error }
        let way = proxy.map { " through the proxy \($0.host):\($0.port)" } ?? ""
        return .unreachable(
            url: url, reason: ((error as? HTTPClientError)?.shortDescription ?? "\(error)") + way)
    }

    /// Does something until it works, as often as the configuration says, waiting longer each time.
    func attempt<Result>(retries: Int? = nil, _ body: () async throws -> Result) async throws -> Result {
        var failures = 0
        while true {
            do { return try await body() } catch let failure as Transient {
                guard failures < retries ?? configuration.retries else { throw failure.error }
                let wait =
                    failure.retryAfter ?? min(8, configuration.backOff * Double(1 << min(failures, 10)))
                guard wait <= configuration.longestWait else { throw failure.error }
                failures += 1
                try await Task.sleep(for: .seconds(wait))
            } catch let error as HubError {
                guard case .unreachable = error, failures < retries ?? configuration.retries else {
                    throw error
                }
                let wait = min(8, configuration.backOff * Double(1 << min(failures, 10)))
                failures += 1
                try await Task.sleep(for: .seconds(wait))
            }
        }
    }

    /// A failure that may pass.
    struct Transient: Error {
        let error: HubError
        var retryAfter: Double?
    }

    /// Converts a response other than success into the error that explains it.
    func check(_ answer: Answer, url: String, file: String?) throws {
        let code = Int(answer.response.status.code)
        if code < 400 { return }
        let headers = answer.response.headers
        if code == 429 || [408, 500, 502, 503, 504].contains(code) {
            throw Transient(
                error: .status(url: url, code: code),
                retryAfter: HubHeaders.retryAfter(headers.first(name: "Retry-After")))
        }
        switch headers.first(name: "X-Error-Code") {
        case "RevisionNotFound": throw HubError.revisionNotFound(id: id, revision: revision)
        case "EntryNotFound": throw HubError.fileNotFound(id: id, revision: revision, file: file ?? "")
        case "GatedRepo":
            throw HubError.gated(id: id, page: "\(configuration.endpoint)/\(repository.kind.path)\(id)")
        case "RepoNotFound": throw HubError.repositoryNotFound(id: id, hasToken: configuration.token != nil)
        default: break
        }
        let isHome = Origin(answer.url) == Origin(configuration.endpoint)
        if code == 401,
            headers.first(name: "X-Error-Message") == "Invalid credentials in Authorization header"
        {
            throw HubError.unauthorized(url: url)
        }
        if isHome, code == 401 || code == 404 && file == nil {
            throw HubError.repositoryNotFound(id: id, hasToken: configuration.token != nil)
        }
        if isHome, code == 404 { throw HubError.fileNotFound(id: id, revision: revision, file: file ?? "") }
        throw HubError.status(url: url, code: code)
    }
}
