import ArgumentParser
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import NIOCore
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
        (values.certificate, values.privateKey) = try Self.pair(certificate: tlsCert, key: tlsKey)
        // A key of another certificate is noticed here, not by the first client.
        do {
            if let configuration = values.tlsConfiguration {
                _ = try NIOSSLContext(configuration: configuration)
            }
        } catch {
            throw ServeError(
                "--tls-key \(tlsKey): is not the key of the certificate in --tls-cert \(tlsCert); name the two that belong together"
            )
        }
        return values
    }

    /// The key that requests must show; `nil` where they need none.
    private func key() throws -> APIKey? {
        func read(_ text: String, _ place: String) throws -> APIKey {
            do { return try APIKey(text) } catch { throw ServeError("\(place): \(error.message)") }
        }
        if let apiKeyFile {
            let bytes = try FileSystem.bytes(of: apiKeyFile)
            return try read(
                String(decoding: bytes.dropFirst(ByteOrderMark.length(in: bytes)), as: UTF8.self),
                "--api-key-file \(apiKeyFile)")
        }
        if let apiKey { return try read(apiKey, "--api-key") }
        return try getenv("API_KEY").map { try read(String(cString: $0), "the environment's API_KEY") }
    }

    /// Says why the server does not listen, or has ended.
    func explained(_ error: any Error) -> ServeError {
        if let error = error as? IOError {
            switch error.errnoCode {
            case EADDRINUSE:
                return ServeError(
                    "port \(port) of \(host) is in use by another program; give another --port, or 0 for any that is free"
                )
            case EADDRNOTAVAIL:
                return ServeError(
                    "this machine has no address \(host); give --host one that it has, 0.0.0.0 for all")
            case EACCES:
                return ServeError(
                    "port \(port) is for privileged programs; give a --port of 1024 or more")
            default: break
            }
        }
        if error is SocketAddressError.UnknownHost {
            return ServeError("no host is called '\(host)'; give --host a name or an address of this machine")
        }
        return ServeError("the server ended: \(error)")
    }

    func server(_ limits: ConnectionLimits, _ admission: Admission) throws -> HTTPServerBuilder {
        let plain = HTTPServerBuilder {
            ConnectionChannel(responder: $0, limits: limits, admission: admission)
        }
        guard let configuration = admission.secrets.tlsConfiguration else { return plain }
        return try .tls(plain, tlsConfiguration: configuration)
    }

    /// - Throws: ``ServeError`` or `FileError` that names the file of the two that is wrong.
    private static func pair(
        certificate: String, key: String
    ) throws -> ([NIOSSLCertificateSource], NIOSSLPrivateKeySource) {
        var chain: [NIOSSLCertificate]
        do {
            chain = try NIOSSLCertificate.fromPEMBytes(FileSystem.bytes(of: certificate))
        } catch is NIOSSLError {
            chain = []
        }
        guard !chain.isEmpty else {
            throw ServeError("--tls-cert \(certificate): holds no certificate in PEM; name the chain's file")
        }
        do {
            let privateKey = try NIOSSLPrivateKey(bytes: FileSystem.bytes(of: key), format: .pem)
            return (chain.map { .certificate($0) }, .privateKey(privateKey))
        } catch is NIOSSLError {
            throw ServeError(
                "--tls-key \(key): holds no private key in PEM without a pass phrase; `openssl pkey` writes one without it"
            )
        }
    }
}
