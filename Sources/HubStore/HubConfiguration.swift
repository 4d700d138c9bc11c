import Foundation

/// The locations of the Hub and its cache, read from the environment as by huggingface_hub.
public struct HubConfiguration: Sendable {
    /// Without a slash at the end (`HF_ENDPOINT`).
    public var endpoint: String
    /// The cache shared with Python (`HF_HUB_CACHE`, else `HUGGINGFACE_HUB_CACHE`, else `$HF_HOME/hub`).
    public var cache: URL
    /// `HF_TOKEN`, else the contents of the file `HF_TOKEN_PATH`.
    public var token: String?
    /// True if no network access is allowed (`HF_HUB_OFFLINE`, otherwise `TRANSFORMERS_OFFLINE`).
    public var isOffline: Bool
    /// Seconds to wait for a connection (`HF_HUB_ETAG_TIMEOUT`).
    public var connectTimeout: Double
    /// Seconds to wait for the next bytes (`HF_HUB_DOWNLOAD_TIMEOUT`).
    public var readTimeout: Double
    /// Further attempts after a failed one.
    public var retries = 5
    /// Seconds before the first further attempt, doubled each time up to 8.
    public var backOff = 1.0
    /// The longest `Retry-After` that is waited for, in seconds.
    public var longestWait = 300.0
    /// Files fetched at once.
    public var concurrency = 4
    /// The proxies of the environment (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    package let proxies: HubProxies

    /// - Parameter environment: the environment variables.
    public init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        func path(_ text: String) -> String { Self.expanded(text, environment) }
        func url(_ text: String) -> URL { URL(filePath: path(text), directoryHint: .isDirectory) }
        let base = environment["XDG_CACHE_HOME"] ?? "~/.cache"
        let home = path(environment["HF_HOME"] ?? "\(base)/huggingface")
        let given = environment["HF_ENDPOINT"] ?? "https://huggingface.co"
        endpoint = String(given.reversed().drop { $0 == "/" }.reversed())
        cache = url(environment["HF_HUB_CACHE"] ?? environment["HUGGINGFACE_HUB_CACHE"] ?? "\(home)/hub")
        func nonEmpty(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let fromFile = try? String(
            contentsOfFile: path(environment["HF_TOKEN_PATH"] ?? "\(home)/token"), encoding: .utf8)
        token =
            nonEmpty("HF_TOKEN").map(Self.cleaned) ?? nonEmpty("HUGGING_FACE_HUB_TOKEN").map(Self.cleaned)
            ?? fromFile.map(Self.cleaned)
        if token?.isEmpty == true { token = fromFile.map(Self.cleaned).flatMap { $0.isEmpty ? nil : $0 } }
        let switches = nonEmpty("HF_HUB_OFFLINE") ?? nonEmpty("TRANSFORMERS_OFFLINE")
        isOffline = ["1", "ON", "YES", "TRUE"].contains(switches?.uppercased() ?? "")
        func seconds(_ name: String) -> Double {
            environment[name].flatMap { Int($0) }.flatMap { $0 > 0 ? Double($0) : nil } ?? 10
        }
        proxies = HubProxies(environment: environment)
        connectTimeout = seconds("HF_HUB_ETAG_TIMEOUT")
        readTimeout = seconds("HF_HUB_DOWNLOAD_TIMEOUT")
    }

    private static func cleaned(_ token: String) -> String {
        // Editors put a byte order mark before a file's text.
        let isMarked = token.unicodeScalars.first == "\u{FEFF}"
        let text = isMarked ? String(token.unicodeScalars.dropFirst()) : token
        return text.replacing("\r", with: "").replacing("\n", with: "").trimmingCharacters(
            in: .whitespacesAndNewlines)
    }

    /// `~` and `$NAME` as Python's `expanduser` and `expandvars`.
    private static func expanded(_ text: String, _ environment: [String: String]) -> String {
        var text = text
        if text == "~" || text.hasPrefix("~/") {
            text = (environment["HOME"] ?? NSHomeDirectory()) + text.dropFirst()
        }
        return text.replacing(#/\$(?:(\w+)|\{([^}]*)\})/#) { match in
            let name = String(match.output.1 ?? match.output.2 ?? "")
            return environment[name] ?? String(match.output.0)
        }
    }
}
