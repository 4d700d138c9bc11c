/// A secret that requests must show: `Authorization: Bearer KEY`.
public struct APIKey: Sendable {
    private let bytes: [UInt8]

    /// - Parameter text: The key; white space around it is none of it.
    /// - Throws: ``ServingError`` for an empty key, and one that no header can hold.
    public init(_ text: some StringProtocol) throws(ServingError) {
        let spaces: [UInt8] = [0x20, 0x09, 0x0A, 0x0D]
        let bytes = Array(
            text.utf8.drop { spaces.contains($0) }.reversed().drop { spaces.contains($0) }.reversed())
        guard !bytes.isEmpty, bytes.allSatisfy({ 0x21..<0x7F ~= $0 }) else {
            throw ServingError(
                .validation, "the API key must be one or more visible ASCII characters without spaces")
        }
        self.bytes = bytes
    }

    /// Compares a header with the key, in a time that does not depend on where they differ.
    ///
    /// - Parameter header: The value of `Authorization`.
    public func matches(_ header: String?) -> Bool {
        let scheme = Array("bearer ".utf8)
        let given = Array((header ?? "").utf8)
        guard given.count > scheme.count,
            zip(given, scheme).allSatisfy({ $0 | 0x20 == $1 || $0 == $1 })
        else { return false }
        let token = given[scheme.count...].drop { $0 == 0x20 }
        var difference = UInt8(token.count == bytes.count ? 0 : 1)
        for (index, byte) in token.enumerated() { difference |= byte ^ bytes[index % bytes.count] }
        return difference == 0
    }
}
