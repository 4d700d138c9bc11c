import Foundation

/// A proxy through which requests go.
package struct HubProxy: Sendable, Hashable {
    package enum Kind: Sendable { case http, socks }

    package let kind: Kind
    package let host: String
    package let port: Int
    package var user: String?
    package var password: String?
}

/// The choice of a proxy for each request, by the environment variables that Python's client reads.
///
/// Lower-case names come first. `HTTP_PROXY` in capitals does not count where `REQUEST_METHOD` is set: there a request
/// could set it.
package struct HubProxies: Sendable {
    private var byScheme: [String: (variable: String, text: String)] = [:]
    private var exceptions: [ProxyException] = []
    private var isOff = false

    init(environment: [String: String]) {
        func value(_ name: String) -> (variable: String, text: String)? {
            for name in [name, name.uppercased()] {
                if name == "HTTP_PROXY", environment["REQUEST_METHOD"] != nil { continue }
                if let text = environment[name] { return text.isEmpty ? nil : (name, text) }
            }
            return nil
        }
        for scheme in ["http", "https", "all"] { byScheme[scheme] = value("\(scheme)_proxy") }
        for part in value("no_proxy")?.text.split(separator: ",") ?? [] {
            let text = part.trimmingCharacters(in: .whitespaces).lowercased()
            if text == "*" { isOff = true }
            if let exception = ProxyException(text) { exceptions.append(exception) }
        }
    }

    /// The proxy for an address; `nil` to go there directly.
    ///
    /// - Throws: ``HubError/proxy(variable:reason:)``.
    package func proxy(for url: URL) throws -> HubProxy? {
        guard let named = text(for: url) else { return nil }
        return try Self.parse(named.text, named.variable)
    }

    /// The variable that counts for an address, with its value.
    func text(for url: URL) -> (variable: String, text: String)? {
        guard !isOff, let origin = Origin(url), !exceptions.contains(where: { $0.covers(origin) }) else {
            return nil
        }
        return byScheme[origin.scheme] ?? byScheme["all"]
    }

    static func parse(_ text: String, _ variable: String) throws -> HubProxy {
        // `host:port` means http.
        let whole = text.contains("://") ? text : "http://\(text)"
        guard let url = URL(string: whole), let host = url.host, !host.isEmpty else {
            throw HubError.proxy(variable: variable, reason: "names no proxy")
        }
        let kind: HubProxy.Kind
        switch url.scheme?.lowercased() {
        case "http": kind = .http
        case "socks5", "socks5h", "socks": kind = .socks
        default:
            throw HubError.proxy(
                variable: variable,
                reason: "proxies of the kind \(HubError.quoted(url.scheme ?? "")) are not known")
        }
        let user = url.user(percentEncoded: false)
        guard kind == .http || user == nil else {
            throw HubError.proxy(variable: variable, reason: "SOCKS proxies with a user name are not known")
        }
        return HubProxy(
            kind: kind, host: host, port: url.port ?? (kind == .http ? 80 : 1080), user: user,
            password: url.password(percentEncoded: false))
    }
}
