import Datasets

/// An entity in a sentence: its type and its words.
public struct TaggedEntity: Sendable {
    /// The type, such as `PER`.
    public var type: String
    /// The words that it takes, counted from 0.
    public var words: Range<Int>

    /// Makes an entity.
    public init(type: String, words: Range<Int>) {
        self.type = type
        self.words = words
    }
}

extension TaggedEntity: Hashable {
    /// Types are compared byte for byte.
    public static func == (left: TaggedEntity, right: TaggedEntity) -> Bool {
        left.words == right.words && left.type.utf8.elementsEqual(right.type.utf8)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words)
        for byte in type.utf8 { hasher.combine(byte) }
    }
}

/// The way entities are read from tags.
public enum EntityReading: Sendable, Equatable {
    /// As conlleval and seqeval do by themselves: an `I-` without a `B-` before it begins an entity, and a change of
    /// the type ends one.
    case lenient
    /// As seqeval does with `mode="strict"`: what the scheme does not allow is no entity.
    case strict(TagScheme)

    /// The entities of a sentence, in order.
    ///
    /// - Throws: ``EntityMetricsError`` in strict reading for a tag whose prefix the scheme does not have.
    public func entities(_ tags: [String]) throws -> [TaggedEntity] {
        switch self {
        case .lenient: LenientEntities.entities(tags)
        case .strict(let scheme): try StrictEntities(scheme).entities(tags)
        }
    }
}

/// The reason why entities cannot be read or compared.
public struct EntityMetricsError: Error, Sendable, Equatable, CustomStringConvertible {
    public let description: String

    init(_ description: String) { self.description = description }
}
