/// A way to write entities as tags of words.
public enum TagScheme: String, CaseIterable, Sendable {
    /// `I-` within entities, and `B-` only where one follows another of its type at once.
    case iob1
    /// `B-` where an entity begins, `I-` in the rest of it.
    case iob2
    /// `E-` where an entity ends, `I-` before.
    case ioe2
    /// `B-`, `I-` and `E-` in entities of several words, `S-` for a single one; also called BIOES.
    case iobes
    /// The same as ``iobes`` with `L-` for `E-` and `U-` for `S-`.
    case bilou
}

extension TagScheme {
    /// The scheme of a name as people write it, in any case: also `bio` for ``iob2``, `bioes` for ``iobes`` and `biluo`
    /// for ``bilou``. `iob` alone is none, since both ``iob1`` and ``iob2`` are called so.
    public init?(named name: String) {
        let others: [String: TagScheme] = ["bio": .iob2, "bioes": .iobes, "biluo": .bilou]
        let name = name.lowercased()
        guard let scheme = TagScheme(rawValue: name) ?? others[name] else { return nil }
        self = scheme
    }

    /// The prefixes of the scheme's entity tags.
    public var prefixes: [String] {
        switch self {
        case .iob1, .iob2: ["B", "I"]
        case .ioe2: ["I", "E"]
        case .iobes: ["B", "I", "E", "S"]
        case .bilou: ["B", "I", "L", "U"]
        }
    }

    /// Writes the entities of a sentence in another scheme. Tags that this scheme does not allow are read as
    /// conlleval reads them: an entity begins where one must, and a change of the type ends it.
    ///
    /// - Parameters:
    ///   - tags: The tags of a sentence in this scheme.
    ///   - scheme: The scheme to write.
    public func convert(_ tags: [String], to scheme: TagScheme) -> [String] {
        var converted = [String](repeating: "O", count: tags.count)
        for entity in Self.entities(tags) {
            for word in entity.words {
                let isFirst = word == entity.words.lowerBound
                let isLast = word == entity.words.upperBound - 1
                converted[word] =
                    scheme.prefix(
                        isFirst: isFirst, isLast: isLast, touchesBefore: isFirst && entity.followsItsType)
                    + "-" + entity.type
            }
        }
        return converted
    }

    private func prefix(isFirst: Bool, isLast: Bool, touchesBefore: Bool) -> String {
        switch self {
        case .iob1: touchesBefore ? "B" : "I"
        case .iob2: isFirst ? "B" : "I"
        case .ioe2: isLast ? "E" : "I"
        case .iobes: isFirst && isLast ? "S" : isFirst ? "B" : isLast ? "E" : "I"
        case .bilou: isFirst && isLast ? "U" : isFirst ? "B" : isLast ? "L" : "I"
        }
    }

    /// An entity, and whether one of its type ends right before it.
    private typealias Entity = (type: String, words: Range<Int>, followsItsType: Bool)

    private static func entities(_ tags: [String]) -> [Entity] {
        var entities: [Entity] = []
        var previous: EntityTag?
        for (word, text) in tags.enumerated() {
            let tag = EntityTag(text)
            defer { previous = tag }
            guard let tag else { continue }
            if tag.isOfType(of: previous), previous?.ends == false, !tag.begins,
                let last = entities.indices.last
            {
                entities[last].words = entities[last].words.lowerBound..<word + 1
            } else {
                entities.append((tag.type, word..<word + 1, tag.isOfType(of: previous)))
            }
        }
        return entities
    }

    /// Returns true if the scheme allows a tag between two others; `nil` is `O`, and also both ends of a
    /// sentence.
    func allows(_ tag: EntityTag?, after previous: EntityTag?, before next: EntityTag?) -> Bool {
        guard let tag else { return true }
        let isContinued = next.map { tag.isOfType(of: $0) && !$0.begins } ?? false
        let continues = previous.map { tag.isOfType(of: $0) && !$0.ends } ?? false
        switch (self, tag.prefix) {
        case (.iob1, .inside): return true
        case (.iob1, .begin): return tag.isOfType(of: previous)
        case (.iob2, .begin), (.ioe2, .end): return true
        case (.iob2, .inside): return continues
        case (.ioe2, .inside): return isContinued
        case (.iobes, .begin), (.bilou, .begin): return isContinued
        case (.iobes, .inside), (.bilou, .inside): return continues && isContinued
        case (.iobes, .end), (.bilou, .last): return continues
        case (.iobes, .single), (.bilou, .unit): return true
        default: return false
        }
    }
}
