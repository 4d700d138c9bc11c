import Files
import Foundation
import JSON
import Testing

@testable import Hub
@testable import HubStore

@Suite struct ProxyTests {
    /// What httpx2, the client of huggingface_hub, makes of random environments (scripts/fixtures/hub_proxies.py).
    @Test func theEnvironmentMeansWhatItMeansInPython() throws {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(
            path: "Fixtures/proxies.json")
        let fixture = try #require(try JSONValue.load(contentsOf: file).objectValue)
        let addresses = fixture["addresses"]?.arrayValue?.compactMap(\.stringValue) ?? []
        let cases = fixture["cases"]?.arrayValue ?? []
        #expect(cases.count == 90 && addresses.count == 11)
        for entry in cases {
            let variables = try #require(entry.objectValue?["environment"]?.objectValue)
            let environment = Dictionary(
                uniqueKeysWithValues: variables.keys.map { ($0, variables[$0]?.stringValue ?? "") })
            let proxies = HubProxies(environment: environment)
            for (address, expected) in zip(addresses, entry.objectValue?["proxies"]?.arrayValue ?? []) {
                let url = try #require(URL(string: address))
                let named = proxies.text(for: url)?.text
                let whole = named.map { $0.contains("://") ? $0 : "http://\($0)" }
                #expect(whole == expected.stringValue, "\(environment) \(address)")
                // Any of them can be used.
                #expect(try (proxies.proxy(for: url) == nil) == expected.isNull)
            }
        }
    }

    @Test func proxiesAreRead() throws {
        func read(_ text: String) throws -> HubProxy { try HubProxies.parse(text, "https_proxy") }
        #expect(try read("one:8080") == HubProxy(kind: .http, host: "one", port: 8080))
        #expect(try read("http://one/") == HubProxy(kind: .http, host: "one", port: 80))
        #expect(try read("socks5h://one") == HubProxy(kind: .socks, host: "one", port: 1080))
        #expect(
            try read("http://me:p%40s@one:1")
                == HubProxy(kind: .http, host: "one", port: 1, user: "me", password: "p@s"))
        for bad in ["https://one:1", "ftp://one", "http://", "socks5://me:you@one:1"] {
            #expect(throws: HubError.self, "\(bad)") { try read(bad) }
        }
    }

    @Test func everythingGoesThroughTheProxy() async throws {
        let proxy = try await TunnelProxy()
        let scene = try await Scene(environment: ["HTTP_PROXY": "http://me:secret@127.0.0.1:\(proxy.port)"])
        let directory = try await scene.client.snapshot(of: scene.hub())
        #expect(
            [UInt8](try Data(contentsOf: directory.appending(path: "model.safetensors")))
                == scene.repository.files["model.safetensors"])
        let server = scene.server.url.dropFirst(7)
        #expect(!proxy.heads.isEmpty)
        #expect(proxy.heads.allSatisfy { $0.hasPrefix("CONNECT \(server) HTTP/1.1\r\n") })
        let login = Data("me:secret".utf8).base64EncodedString()
        #expect(
            proxy.heads.allSatisfy {
                $0.lowercased().contains("proxy-authorization: basic \(login.lowercased())")
            })
        // The Hub does not see the proxy's password.
        #expect(scene.server.requests.allSatisfy { !$0.headers.contains(name: "Proxy-Authorization") })
        try await scene.end()
        try await proxy.stop()
    }

    @Test func exceptionsAreReachedDirectly() async throws {
        let proxy = try await TunnelProxy()
        let scene = try await Scene(environment: [
            "HTTP_PROXY": "http://127.0.0.1:\(proxy.port)", "NO_PROXY": "example.com, 127.0.0.1",
        ])
        _ = try await scene.client.snapshot(of: scene.hub())
        #expect(proxy.heads.isEmpty && !scene.server.requests.isEmpty)
        try await scene.end()
        try await proxy.stop()
    }

    @Test func aProxyThatRefusesIsNamed() async throws {
        let proxy = try await TunnelProxy(answer: "403 Forbidden")
        let scene = try await Scene(environment: ["ALL_PROXY": "127.0.0.1:\(proxy.port)"])
        let error = await #expect(throws: HubError.self) { try await scene.client.snapshot(of: scene.hub()) }
        #expect(error?.description.contains("through the proxy 127.0.0.1:\(proxy.port)") == true)
        #expect(scene.server.requests.isEmpty)
        try await scene.end()
        try await proxy.stop()
        let wrong = try await Scene(environment: ["http_proxy": "ftp://127.0.0.1"])
        await #expect(
            throws: HubError.proxy(variable: "http_proxy", reason: "proxies of the kind 'ftp' are not known")
        ) {
            try await wrong.client.snapshot(of: wrong.hub())
        }
        try await wrong.end()
    }
}
