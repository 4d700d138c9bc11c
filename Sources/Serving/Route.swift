/// What a path is.
public enum Route: Equatable, Sendable {
    case predict(model: String?)
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
        if case .predict = route {
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
        case "/predict": return .predict(model: nil)
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
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].isEmpty, parts[1] == "models", !parts[2].isEmpty else { return nil }
        switch parts[3] {
        case "predict": return .predict(model: String(parts[2]))
        case "info": return .info(model: String(parts[2]))
        default: return nil
        }
    }

    /// True if a server with an API key answers without it.
    public var isPublic: Bool {
        switch self {
        case .health, .ready, .metrics, .openAPI, .page: true
        case .predict, .info, .models: false
        }
    }
}
