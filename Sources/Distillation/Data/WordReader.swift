import Datasets
import Foundation

/// Reads sentences as words with tags.
final class WordReader: ChunkReader, @unchecked Sendable {
    // The prefetching thread reads; the others look only after it has ended.
    private let stream: TaggedStream
    private let map: LabelMap?
    private let conversion: TagConversion?
    private let required: Bool

    /// - Parameters:
    ///   - labels: The tags; `nil` where tags are not looked at.
    ///   - conversion: How the file's tags become these.
    ///   - required: Whether a file without tags is refused.
    init(_ stream: TaggedStream, labels: LabelMap?, conversion: TagConversion?, required: Bool) {
        self.stream = stream
        map = labels
        self.conversion = conversion
        self.required = required
    }

    var sha256: String { stream.sha256 }

    func next(_ limit: Int) throws -> (any DataChunk)? {
        let rows = try stream.rows(limit)
        guard !rows.isEmpty else { return nil }
        if required, !stream.hasTags { throw RowReader.noLabels(stream.path, stream.columnNames) }
        let tags = try map.map { map in try rows.map { try classes(of: $0, map) } }
        return WordChunk(
            words: rows.map(\.words), tags: tags, names: map?.names ?? [],
            error: stream.errors(about: rows))
    }

    private func classes(of row: TaggedRow, _ map: LabelMap) throws -> [Int] {
        guard var tags = row.tags else {
            return [Int](repeating: BatchLabels.unlabelled, count: row.words.count)
        }
        if let conversion { tags = conversion.apply(tags) }
        return try tags.map { tag in
            // A model may have I- alone, which begins entities too.
            let inside = conversion != nil && tag.hasPrefix("B-") ? map.id(of: "I-" + tag.dropFirst(2)) : nil
            guard let number = map.id(of: tag) ?? inside else {
                throw stream.error(
                    about: row,
                    "unknown tag '\(tag.prefix(60))'; the tags are \(DatasetError.list(map.names)), in this order"
                )
            }
            return number
        }
    }
}

/// How a file's tags become those of a model: entities are written in the model's scheme.
struct TagConversion: Sendable, Equatable {
    let from: TagScheme
    let to: TagScheme

    func apply(_ tags: [String]) -> [String] { from.convert(tags, to: to) }
}

/// What a file for token classification holds, found by reading it once.
struct TagSurvey {
    let labels: LabelMap
    let conversion: TagConversion?
    /// What to tell of it.
    let notes: [String]

    /// - Parameters:
    ///   - url: The file.
    ///   - options: How it is read.
    ///   - given: The model's tags; `nil` for the file's own.
    /// - Throws: `DatasetError` for what is wrong with a row.
    init(_ url: URL, options: TaggedOptions, given: LabelMap?) throws {
        let stream = try TaggedStream(url, options: options)
        var detector = TagSchemeDetector()
        var distinct: Set<[UInt8]> = []
        while let row = try stream.next() {
            detector.add(row)
            for tag in row.tags ?? [] { distinct.insert(Array(tag.utf8)) }
        }
        guard stream.hasTags || (options.allowsUntagged && given != nil) else {
            throw RowReader.noLabels(stream.path, stream.columnNames)
        }
        let found = try detector.scheme(path: stream.path)
        let wanted = given.map { Self.scheme($0.names) } ?? (found.scheme == .iob1 ? .iob2 : found.scheme)
        let converts = detector.hasEntities && wanted != found.scheme
        conversion = converts ? TagConversion(from: found.scheme, to: wanted) : nil
        var notes: [String] = []
        if converts {
            notes.append(
                "\(stream.path): the tags are written in \(found.scheme.rawValue.uppercased()); they are read as "
                    + "\(wanted.rawValue.uppercased()).")
        }
        if let first = found.firstIrregularity {
            notes.append(
                "\(stream.path): \(found.irregularCount) tag\(found.irregularCount == 1 ? " does" : "s do") not fit "
                    + "\(found.scheme.rawValue.uppercased()), the first '\(first.tag)' in the sentence of line \(first.line); an entity "
                    + "begins where one must.")
        }
        self.notes = notes
        if let given {
            labels = given
        } else {
            let names =
                stream.tagNames
                ?? distinct.map { String(decoding: $0, as: UTF8.self) }.sorted(by: Self.byBytes)
            // A file may lack a tag that the scheme has, such as one within entities of a single word.
            let types = Set(names.filter { $0.dropFirst().hasPrefix("-") }.map { String($0.dropFirst(2)) })
            let whole =
                detector.hasEntities ? types.flatMap { type in wanted.prefixes.map { $0 + "-" + type } } : []
            if stream.tagNames != nil {
                // Their order is the file's.
                labels = try LabelMap(names: names + Set(whole).subtracting(names).sorted(by: Self.byBytes))
            } else {
                let kept = converts ? names.filter { !$0.dropFirst().hasPrefix("-") } : names
                labels = try LabelMap(names: Set(kept + whole).sorted(by: Self.byBytes))
            }
        }
    }

    private static func byBytes(_ a: String, _ b: String) -> Bool { a.utf8.lexicographicallyPrecedes(b.utf8) }

    /// The scheme in which a model's tags are written.
    static func scheme(_ names: [String]) -> TagScheme {
        let prefixes = Set(names.compactMap { $0.dropFirst().first == "-" ? $0.first : nil })
        if prefixes.contains("L") || prefixes.contains("U") { return .bilou }
        if prefixes.contains("S") { return .iobes }
        if prefixes.contains("E") { return prefixes.contains("B") ? .iobes : .ioe2 }
        return prefixes.contains("B") || prefixes.isEmpty ? .iob2 : .iob1
    }
}

extension DatasetOptions {
    /// The same for a file of words with tags.
    var tagged: TaggedOptions {
        var options = TaggedOptions(wordColumn: textColumn, tagColumn: labelColumn, textColumn: nil)
        options.readsTags = readsLabels
        options.allowsUntagged = allowsUnlabelled
        switch format {
        case .jsonl: options.format = .jsonl
        case .parquet: options.format = .parquet
        case .csv, .tsv, nil: options.format = nil
        }
        return options
    }
}

extension TaggedOptions {
    /// Whether a file's name says that it holds words with tags.
    static func isNamedForWords(_ url: URL) -> Bool {
        guard let file = try? DataFiles.files(url).first else { return false }
        return (try? TaggedOptions().format(of: file)) == .conll
    }

    /// Whether a name is a tag of entities.
    func isEntityTag(_ name: String) -> Bool {
        name == "O" || (name.count > 2 && name.dropFirst().first == "-" && "BIESLU".contains(name.prefix(1)))
    }
}

extension TagScheme {
    /// What its tags of entities begin with.
    var prefixes: [String] {
        switch self {
        case .iob1, .iob2: ["B", "I"]
        case .ioe2: ["I", "E"]
        case .iobes: ["B", "I", "E", "S"]
        case .bilou: ["B", "I", "L", "U"]
        }
    }
}
