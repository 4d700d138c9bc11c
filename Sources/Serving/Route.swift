/// What a path is.
public enum Route: Equatable, Sendable {
    /// A question to a model; `nil` for the first one.
    case ask(Endpoint, model: String?)
    case info(model: String?)
    case models, health, ready, metrics, openAPI
    /// A file of the page.
    case page(String)

    /// What a request asks for.
    public enum Resolution: Equatable, Sendable {
        /// A route, and whether its answer goes without its body.
        case route(Route, isHead: Bool)
        case unknownPath
        /// The path takes other methods.
        case wrongMethod(allowed: String)
    }

    /// Finds the route of a request.
    ///
    /// - Parameters:
    ///   - method: The method, in capitals.
    ///   - target: The path, with its query.
    public static func resolve(_ method: String, _ target: some StringProtocol) -> Resolution {
        let path = target.prefix { $0 != "?" && $0 != "#" }
        guard let route = route(String(path)) else { return .unknownPath }
        if case .ask = route {
            return method == "POST" ? .route(route, isHead: false) : .wrongMethod(allowed: "POST")
        }
        switch method {
        case "GET": return .route(route, isHead: false)
        case "HEAD": return .route(route, isHead: true)
        default: return .wrongMethod(allowed: "GET, HEAD")
        }
    }

    private static func route(_ path: String) -> Route? {
        switch path {
        case "/health": return .health
        case "/ready": return .ready
        case "/info": return .info(model: nil)
        case "/metrics": return .metrics
        case "/models": return .models
        case "/openapi.json": return .openAPI
        case "/": return .page("page.html")
        case "/page.css", "/page.js": return .page(String(path.dropFirst()))
        default: break
        }
        guard path.hasPrefix("/") else { return nil }
        if let endpoint = Endpoint(path: path.dropFirst()) { return .ask(endpoint, model: nil) }
        let parts = path.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[1] == "models", !parts[2].isEmpty else { return nil }
        let name = String(parts[2])
        if parts[3] == "info" { return .info(model: name) }
        return Endpoint(path: parts[3]).map { .ask($0, model: name) }
    }

    /// True if a server with an API key answers without it.
    public var isPublic: Bool {
        switch self {
        case .health, .ready, .metrics, .openAPI, .page: true
        case .ask, .info, .models: false
        }
    }
}
