import Foundation

/// Hosts that are reached directly, as an entry of `NO_PROXY` names them.
///
/// `example.com` matches itself and its subdomains, `.example.com` and `*.example.com` its subdomains only; an address
/// and `localhost` match themselves; `10.0.0.0/8` matches a network. A port may follow.
struct ProxyException: Sendable {
    private enum Rule: Sendable {
        case exactly(String)
        case domain(String)
        case below(String)
        case network([UInt8], bits: Int)
    }

    private let rule: Rule
    private let port: Int?

    /// - Parameter text: An entry in lower case; `nil` for an invalid one.
    init?(_ text: String) {
        var text = Substring(text)
        if let end = text.range(of: "://") { text = text[end.upperBound...] }
        if let slash = text.firstIndex(of: "/") {
            let address = Self.address(text[..<slash])
            guard let address, let bits = Int(text[slash...].dropFirst()),
                (0...address.count * 8).contains(bits)
            else { return nil }
            (rule, port) = (.network(address, bits: bits), nil)
            return
        }
        var host = text
        var port: Int?
        if text.hasPrefix("["), let end = text.firstIndex(of: "]") {
            host = text[text.index(after: text.startIndex)..<end]
            port = Int(text[end...].dropFirst(2))
        } else if Self.address(text) == nil, let colon = text.lastIndex(of: ":") {
            host = text[..<colon]
            port = Int(text[colon...].dropFirst())
        }
        self.port = port
        if host.hasPrefix("*.") { host = host.dropFirst() }
        if host.isEmpty || host == "*" || host == "." { return nil }
        rule =
            Self.address(host) != nil || host == "localhost"
            ? .exactly(String(host))
            : host.hasPrefix(".") ? .below(String(host)) : .domain(String(host))
    }

    /// Returns true if an origin is covered.
    func covers(_ origin: Origin) -> Bool {
        if let port, port != origin.port { return false }
        let host = origin.host.trimmingCharacters(in: ["[", "]"])
        switch rule {
        case .exactly(let name): return host == name
        case .domain(let name): return host == name || host.hasSuffix("." + name)
        case .below(let name): return host.hasSuffix(name) && host.utf8.count > name.utf8.count
        case .network(let network, let bits):
            guard let address = Self.address(host[...]), address.count == network.count else { return false }
            return (0..<bits).allSatisfy { bit in
                let mask = UInt8(0x80) >> (bit % 8)
                return address[bit / 8] & mask == network[bit / 8] & mask
            }
        }
    }

    /// The bytes of an IPv4 or IPv6 address.
    private static func address(_ text: Substring) -> [UInt8]? {
        for (family, count) in [(AF_INET, 4), (AF_INET6, 16)] {
            var bytes = [UInt8](repeating: 0, count: count)
            if inet_pton(family, String(text), &bytes) == 1 { return bytes }
        }
        return nil
    }
}
