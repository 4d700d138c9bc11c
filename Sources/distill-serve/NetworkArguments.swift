import ArgumentParser
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import NIOSSL
import Serving
import Storage

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Where the server listens, and to whom.
struct NetworkArguments: ParsableArguments {
    @Option(help: "The address; 0.0.0.0 for all that this machine has.")
    var host = "127.0.0.1"

    @Option(help: "The port; 0 for any that is free.")
    var port = 3000

    @Option(help: "Open connections; further ones wait.")
    var maxConnections = 4096

    @Option(
        help:
            "The key that requests must show (also the environment's API_KEY; --api-key-file keeps it out of the list of processes)."
    )
    var apiKey: String?

    @Option(help: "A file that holds the key.", completion: .file())
    var apiKeyFile: String?

    @Option(help: "A certificate chain in PEM: the server speaks TLS.", completion: .file())
    var tlsCert: String?

    @Option(help: "Its private key in PEM.", completion: .file())
    var tlsKey: String?

    func validate() throws {
        guard 0...65535 ~= port else {
            throw ValidationError("--port must be a number from 0 to 65535, got \(port)")
        }
        guard maxConnections >= 1 else {
            throw ValidationError("--max-connections must be at least 1, got \(maxConnections)")
        }
        guard apiKey == nil || apiKeyFile == nil else {
            throw ValidationError("give --api-key or --api-key-file, not both")
        }
        guard (tlsCert == nil) == (tlsKey == nil) else {
            throw ValidationError("TLS needs both --tls-cert and --tls-key")
        }
    }

    /// True if only programs of this machine reach the server.
    var isLoopback: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }

    /// Reads the key and the certificate.
    ///
    /// - Throws: `FileError` and `ServingError` for a key that cannot be read or is none; ``ServeError`` for PEM files that cannot be read
    ///   or do not belong together.
    func secrets() throws -> Secrets.Values {
        var values = Secrets.Values(key: try key())
        guard let tlsCert, let tlsKey else { return values }
        do {
            values.certificate = try NIOSSLCertificate.fromPEMFile(tlsCert).map { .certificate($0) }
            values.privateKey = .privateKey(try NIOSSLPrivateKey(file: tlsKey, format: .pem))
            // A key of another certificate is noticed here, not by the first client.
            if let configuration = values.tlsConfiguration {
                _ = try NIOSSLContext(configuration: configuration)
            }
        } catch {
            throw ServeError(
                "--tls-cert \(tlsCert), --tls-key \(tlsKey): cannot be read as PEM, or do not belong together: \(error)"
            )
        }
        return values
    }

    /// The key that requests must show; `nil` where they need none.
    private func key() throws -> APIKey? {
        if let apiKeyFile {
            return try APIKey(String(decoding: FileSystem.bytes(of: apiKeyFile), as: UTF8.self))
        }
        if let apiKey { return try APIKey(apiKey) }
        return try getenv("API_KEY").map { try APIKey(String(cString: $0)) }
    }

    func server(_ limits: ConnectionLimits, _ secrets: Secrets) throws -> HTTPServerBuilder {
        let plain = HTTPServerBuilder { ConnectionChannel(responder: $0, limits: limits) }
        guard let configuration = secrets.tlsConfiguration else { return plain }
        return try .tls(plain, tlsConfiguration: configuration)
    }
}
