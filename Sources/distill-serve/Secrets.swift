import NIOSSL
import Serving
import Synchronization

/// The API key and the certificate, which may be read again while connections are open.
final class Secrets: Sendable {
    /// What was read of the files at one time.
    struct Values: Sendable {
        var key: APIKey?
        var certificate: [NIOSSLCertificateSource] = []
        var privateKey: NIOSSLPrivateKeySource?
    }

    private let network: NetworkArguments
    private let values: Mutex<Values>

    /// Reads the files that the arguments name.
    ///
    /// - Throws: As ``NetworkArguments/secrets()``.
    init(_ network: NetworkArguments) throws {
        self.network = network
        values = Mutex(try network.secrets())
    }

    /// The key that requests must show; `nil` where they need none.
    var key: APIKey? { values.withLock { $0.key } }

    /// The TLS configuration, whose handshakes take the certificate of their time; `nil` of a server without TLS.
    var tlsConfiguration: TLSConfiguration? {
        guard var configuration = values.withLock({ $0 }).tlsConfiguration else { return nil }
        configuration.sslContextCallback = { [self] _, promise in
            let current = values.withLock { $0 }
            var changes = NIOSSLContextConfigurationOverride()
            (changes.certificateChain, changes.privateKey) = (current.certificate, current.privateKey)
            promise.succeed(changes)
        }
        return configuration
    }

    /// Reads the files again, without taking what they say.
    ///
    /// - Throws: As the initializer.
    func read() throws -> Values { try network.secrets() }

    /// Takes what was read: later requests show this key, later connections this certificate.
    func replace(by new: Values) { values.withLock { $0 = new } }
}

extension Secrets.Values {
    /// The TLS configuration; `nil` without a certificate.
    var tlsConfiguration: TLSConfiguration? {
        privateKey.map { key in
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: certificate, privateKey: key)
            // Older versions are deprecated (RFC 8996).
            configuration.minimumTLSVersion = .tlsv12
            // A client that does not say goodbye must not hold up the server's end.
            configuration.shutdownTimeout = .seconds(1)
            return configuration
        }
    }
}
