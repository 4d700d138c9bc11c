/// Finds the scheme in which a file's tags are written.
///
/// ```swift
/// var detector = TagSchemeDetector()
/// while let row = try stream.next() { detector.add(row) }
/// let found = try detector.scheme(path: stream.path)
/// ```
public struct TagSchemeDetector: Sendable {
    /// A tag that violates the scheme that fits best.
    public struct Irregularity: Sendable, Equatable {
        public var tag: String
        /// The row's line, and its file among those of the data set.
        public var line: Int
        public var file: Int
    }

    /// The detected scheme, with the tags that violate it.
    public struct Finding: Sendable, Equatable {
        public var scheme: TagScheme
        /// The number of tags that the scheme does not allow in their position, and the first of them.
        public var irregularCount: Int
        public var firstIrregularity: Irregularity?
    }

    /// The prefixes that occur.
    private var prefixes: Set<EntityTag.Prefix> = []
    private var counts: [TagScheme: Int] = [:]
    private var firsts: [TagScheme: Irregularity] = [:]

    public init() {}

    /// True if a tag so far is of an entity.
    public var hasEntities: Bool { !prefixes.isEmpty }

    /// Looks at a sentence.
    public mutating func add(_ row: TaggedRow) {
        guard let texts = row.tags else { return }
        let tags = texts.map { EntityTag($0) }
        for (word, tag) in tags.enumerated() {
            guard let tag else { continue }
            prefixes.insert(tag.prefix)
            let previous = word > 0 ? tags[word - 1] : nil
            let next = word + 1 < tags.count ? tags[word + 1] : nil
            for scheme in TagScheme.allCases where !scheme.allows(tag, after: previous, before: next) {
                counts[scheme, default: 0] += 1
                if firsts[scheme] == nil {
                    firsts[scheme] = Irregularity(tag: texts[word], line: row.line, file: row.file)
                }
            }
        }
    }

    /// The scheme of the sentences so far.
    ///
    /// `L-` or `U-` make it BILOU, `S-`, or `E-` beside `B-`, IOBES, `E-` alone IOE2. With `B-` and `I-` it is IOB1
    /// if some `I-` begins an entity and every `B-` follows a tag of its type; else it is IOB2. Without entities it
    /// is IOB2, too.
    ///
    /// - Parameter path: The file's path, for errors.
    /// - Throws: ``DatasetError`` where prefixes of two schemes occur together.
    public func scheme(path: String) throws -> Finding {
        let isBILOU = prefixes.contains(.last) || prefixes.contains(.unit)
        let isIOBES = prefixes.contains(.end) || prefixes.contains(.single)
        guard !(isBILOU && isIOBES) else {
            let names = prefixes.map { String(UnicodeScalar($0.rawValue)) + "-" }.sorted()
            throw DatasetError(
                path,
                "the tags begin with \(names.joined(separator: ", ")), but no scheme has both L- or U- and E- or S-; "
                    + "write one scheme in all files")
        }
        let scheme: TagScheme =
            if isBILOU {
                .bilou
            } else if isIOBES {
                prefixes.isSubset(of: [.inside, .end]) ? .ioe2 : .iobes
            } else {
                counts[.iob2] != nil && counts[.iob1] == nil ? .iob1 : .iob2
            }
        return Finding(
            scheme: scheme, irregularCount: counts[scheme] ?? 0, firstIrregularity: firsts[scheme])
    }
}
