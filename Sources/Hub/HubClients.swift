import AsyncHTTPClient
import Foundation
import Synchronization

/// The HTTP clients of one download: one for each proxy, and one for direct connections.
final class HubClients: Sendable {
    private let configuration: HubConfiguration
    private let clients = Mutex<[HubProxy?: HTTPClient]>([:])

    /// - Throws: `HubError/proxy(variable:reason:)` where the endpoint's proxy cannot be used.
    init(_ configuration: HubConfiguration) throws {
        self.configuration = configuration
        if let url = URL(string: configuration.endpoint) { _ = try configuration.proxies.proxy(for: url) }
    }

    /// The client that reaches an address.
    ///
    /// - Throws: `HubError/proxy(variable:reason:)`.
    func client(for url: URL) throws -> HTTPClient {
        let proxy = try configuration.proxies.proxy(for: url)
        return clients.withLock { clients in
            if let client = clients[proxy] { return client }
            let client = make(proxy)
            clients[proxy] = client
            return client
        }
    }

    /// The proxy on the way to an address.
    func proxy(for url: URL) -> HubProxy? { (try? configuration.proxies.proxy(for: url)) ?? nil }

    func shutdown() async throws {
        for client in clients.withLock({ Array($0.values) }) { try await client.shutdown() }
    }

    private func make(_ proxy: HubProxy?) -> HTTPClient {
        var settings = HTTPClient.Configuration()
        settings.redirectConfiguration = .disallow
        settings.timeout = .init(
            connect: .milliseconds(Int64(configuration.connectTimeout * 1000)),
            read: .milliseconds(Int64(configuration.readTimeout * 1000)))
        settings.connectionPool.retryConnectionEstablishment = false
        settings.httpVersion = .http1Only
        settings.proxy = proxy.map { proxy in
            switch proxy.kind {
            case .socks: .socksServer(host: proxy.host, port: proxy.port)
            case .http:
                .server(
                    host: proxy.host, port: proxy.port,
                    authorization: proxy.user.map { .basic(username: $0, password: proxy.password ?? "") })
            }
        }
        return HTTPClient(eventLoopGroupProvider: .singleton, configuration: settings)
    }
}
