import Foundation

/// The sentences of a data set for token classification, all of one scheme of tags.
public struct TaggedDataset: Sendable {
    public var rows: [TaggedRow]
    /// The tags: those that the file names by their numbers, in this order, then others that occur: `O`, and by type.
    public var tags: [String]
    /// The scheme of the file and how many tags do not keep to it; `nil` where no tag is of an entity, or any text may be
    /// a tag.
    public var finding: TagSchemeDetector.Finding?
    /// True if the tags were IOB1 in the file and have been converted to IOB2. The user should be told.
    public var wasConverted: Bool
    /// The path of the file.
    public var source: String
    /// SHA-256 of the file.
    public var sha256: String

    /// Reads a whole data set. Tags in ``TagScheme/iob1`` become ``TagScheme/iob2``; others stay as they are.
    ///
    /// - Parameters:
    ///   - url: The file, or a pattern of several; its name determines the format unless the options do.
    ///   - options: The columns and the format.
    /// - Throws: ``DatasetError`` that names the file, the line and what to do; `FileError` where there is none.
    public static func load(_ url: URL, options: TaggedOptions = TaggedOptions()) throws -> TaggedDataset {
        let stream = try TaggedStream(url, options: options)
        var rows: [TaggedRow] = []
        var detector = TagSchemeDetector()
        while let row = try stream.next() {
            if !options.allowsAnyTag { detector.add(row) }
            rows.append(row)
        }
        let finding = detector.hasEntities ? try detector.scheme(path: stream.path) : nil
        let isIOB1 = finding?.scheme == .iob1
        if isIOB1 {
            for place in rows.indices {
                rows[place].tags = rows[place].tags.map { TagScheme.iob1.convert($0, to: .iob2) }
            }
        }
        return TaggedDataset(
            rows: rows, tags: names(rows, first: stream.tagNames ?? options.tagNames ?? []), finding: finding,
            wasConverted: isIOB1, source: stream.path, sha256: stream.sha256)
    }

    private static func names(_ rows: [TaggedRow], first: [String]) -> [String] {
        let known = Set(first.map { Array($0.utf8) })
        var found: Set<[UInt8]> = []
        for row in rows { for tag in row.tags ?? [] { found.insert(Array(tag.utf8)) } }
        let others = found.subtracting(known).map { bytes in
            let name = String(decoding: bytes, as: UTF8.self)
            let tag = EntityTag(name)
            let order = tag.map { Array("BIELSU".utf8).firstIndex(of: $0.prefix.rawValue) ?? 0 } ?? 0
            return (name: name, key: tag.map { [1] + Array($0.type.utf8) } ?? [0] + bytes, order: order)
        }
        return first
            + others.sorted {
                $0.key == $1.key ? $0.order < $1.order : $0.key.lexicographicallyPrecedes($1.key)
            }.map(\.name)
    }
}
