/// Entities as conlleval finds them, by seqeval's rules for tags in front
/// (`seqeval.metrics.sequence_labeling.get_entities`).
enum LenientEntities {
    /// A tag's first character, and the part after the first hyphen that follows it.
    private struct Tag {
        let prefix: Unicode.Scalar
        let type: String

        init(_ tag: String) {
            let scalars = tag.unicodeScalars
            prefix = scalars.first ?? "O"
            let rest = scalars.dropFirst()
            let hyphen = rest.firstIndex(of: "-")
            let type = hyphen.map { rest[rest.index(after: $0)...] } ?? rest
            self.type = type.isEmpty ? "_" : String(String.UnicodeScalarView(type))
        }

        func isOfType(of other: Tag) -> Bool { type.utf8.elementsEqual(other.type.utf8) }
    }

    static func entities(_ tags: [String]) -> [TaggedEntity] {
        var entities: [TaggedEntity] = []
        var previous = Tag("O")
        var start = 0
        for (word, text) in (tags + ["O"]).enumerated() {
            let tag = Tag(text)
            if ends(previous, before: tag), start < word {
                entities.append(TaggedEntity(type: previous.type, words: start..<word))
            }
            if begins(tag, after: previous) { start = word }
            previous = tag
        }
        return entities
    }

    private static func ends(_ previous: Tag, before tag: Tag) -> Bool {
        switch previous.prefix {
        case "E", "S": true
        case "B", "I": ["B", "S", "O"].contains(tag.prefix) || !previous.isOfType(of: tag)
        case "O", ".": false
        default: !previous.isOfType(of: tag)
        }
    }

    private static func begins(_ tag: Tag, after previous: Tag) -> Bool {
        switch tag.prefix {
        case "B", "S": true
        case "E", "I": ["E", "S", "O"].contains(previous.prefix) || !previous.isOfType(of: tag)
        case "O", ".": false
        default: !previous.isOfType(of: tag)
        }
    }
}
