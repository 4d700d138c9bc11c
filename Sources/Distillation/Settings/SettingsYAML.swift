import Yams

/// The YAML of settings, from untrusted sources: reading takes a time that is bounded by the text's length.
package enum SettingsYAML {
    /// The maximum length of a text, in bytes.
    package static let largest = 1_000_000
    /// The maximum number of anchors: texts that refer to one another double with each, so only a few are allowed.
    static let mostAnchors = 8
    static let mostAliases = 40

    /// Reads a text.
    ///
    /// - Returns: Its root; `nil` for an empty text.
    /// - Throws: ``DistillationError`` for one that is too long, or has too many anchors; `YamlError`.
    package static func compose(_ text: String) throws -> Node? {
        guard text.utf8.count <= largest else {
            throw DistillationError("has \(text.utf8.count) bytes; settings have at most \(largest)")
        }
        let references = references(text)
        guard references.anchors <= mostAnchors, references.aliases <= mostAliases else {
            throw DistillationError(
                "has more than \(mostAnchors) anchors (&name) or \(mostAliases) aliases (*name); write values where they "
                    + "are used")
        }
        return try Yams.compose(yaml: text)
    }

    /// Counts the words that look like anchors and aliases; those in quotes or comments count too, which does no harm.
    private static func references(_ text: String) -> (anchors: Int, aliases: Int) {
        var (anchors, aliases) = (0, 0)
        var previous = UInt8(ascii: "\n")
        var mark: UInt8?
        for byte in text.utf8 {
            let isSpace = byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
            if let mark, !isSpace {
                if mark == UInt8(ascii: "&") { anchors += 1 } else { aliases += 1 }
            }
            let beginsWord = previous <= 0x20 || ",[]{}:-?".utf8.contains(previous)
            mark = beginsWord && (byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*")) ? byte : nil
            previous = byte
        }
        return (anchors, aliases)
    }
}
