import Datasets
import Files
import Foundation
import JSON
import Tokenizers
import Transformers

/// Tokenizes chunks of rows into the records of a ``TokenStorage``, and knows the file they are kept in.
///
/// The file's payload is all records, then the lengths and the labels' codes, as Int32; where words are labeled also the number
/// of words of each example, whether it continues the sentence before, and each word's first token and number of tokens; of queries
/// with documents the first example of each one's group, and a teacher's scores.
/// Its description is JSON, and holds the distinct label sets.
final class TokenBuilder {
    static let format = ChecksummedFile.Format(magic: "DSTLTOKS", version: 4)

    /// The source of a file's tokens.
    struct Origin: Equatable {
        /// The digest of everything that decides them; the file's name.
        var key: String
        /// The locations of the data and the tokenizer, for users.
        var data: String
        var tokenizer: String
        var maxLength: Int
    }

    private let tokenizer: Tokenizer
    private let maxLength: Int
    private var layout: TokenStorage.Layout
    private var lengths: [Int32] = []
    private var labels = ExampleLabels(.singleLabel, classCount: 0)
    private var tagNames: [String] = []
    /// `nil` unless words are labeled.
    private var rows: TokenRows?
    /// `nil` unless examples belong to queries.
    private var groups: ExampleGroups?
    /// The notes about the file, shown each time that its tokens are used.
    var notes: [DataNote] = []
    /// The number of words that have no token, and so no output of their own.
    private(set) var lostCount = 0
    /// The number of texts that were cut.
    private(set) var cutCount = 0
    /// True if each text has a second one.
    private(set) var hasPairs = false
    /// The examples of a row of the file.
    private var textsPerRow = 1
    /// True if the second text of a row is a translation of the first.
    private var areTranslations = false

    init(tokenizer: Tokenizer, maxLength: Int) {
        self.tokenizer = tokenizer
        self.maxLength = maxLength
        layout = TokenStorage.Layout(largestID: Int(tokenizer.largestTokenID), hasTypes: false)
    }

    /// The examples so far.
    var count: Int { lengths.count }

    /// Sets the labels that the rows will have; before the first of them.
    ///
    /// - Parameter names: The classes; none where tokens are predicted.
    func begin(_ problemType: TaskIdentifier, _ names: [String]) {
        let task = problemType.definition
        labels = ExampleLabels(
            problemType, classCount: task.predictsTokens ? Int(tokenizer.largestTokenID) + 1 : names.count)
        guard task.labelsWords || task.predictsTokens else { return }
        (rows, tagNames) = (TokenRows(), names)
    }

    /// Tokenizes rows on all cores.
    ///
    /// - Returns: Their records.
    func append(_ chunk: any DataChunk) throws -> [UInt8] {
        let encoded = try chunk.encode(tokenizer, maxLength: maxLength)
        // All rows of a file have a second text, or none has.
        layout.hasTypes = encoded.hasTypes
        (hasPairs, textsPerRow) = (encoded.hasPairs, encoded.textsPerRow)
        areTranslations = encoded.areTranslations
        cutCount += encoded.cutCount
        var records: [UInt8] = []
        records.reserveCapacity(encoded.ids.count * layout.tokenBytes)
        for (start, end) in zip(encoded.offsets, encoded.offsets.dropFirst()) {
            layout.encode(ids: encoded.ids[start..<end], types: encoded.typeIDs[start..<end], into: &records)
            lengths.append(Int32(end - start))
        }
        if let counts = encoded.groups {
            var all = groups ?? ExampleGroups()
            all.append(counts, encoded.scores)
            groups = all
        }
        for words in encoded.words ?? [] {
            rows?.append(words.positions, continues: words.continues)
            lostCount += words.positions.count { $0.position == nil }
        }
        if let targets = encoded.targets {
            labels.append(targets)
        } else {
            labels.append(unlabelled: encoded.offsets.count - 1)
        }
        return records
    }

    /// The finished data set over the records.
    func dataset(_ records: TokenStorage.Records) -> EncodedDataset {
        EncodedDataset(
            storage: TokenStorage(
                layout: layout, records: records, lengths: lengths, labels: labels, rows: rows,
                hasPairs: hasPairs, textsPerRow: textsPerRow, groups: groups,
                areTranslations: areTranslations),
            maxLength: maxLength, tagNames: tagNames)
    }

    /// Writes what follows the records.
    ///
    /// - Returns: The file's description.
    func finish(_ writer: ChecksummedFile.Writer, labels map: LabelMap?, origin: Origin) throws -> [UInt8] {
        var parts = [lengths, labels.codes]
        if let rows {
            parts += [rows.counts, rows.continues.map { $0 ? 1 : 0 }, rows.positions, rows.pieces]
        }
        if let groups { parts += [groups.firsts, groups.scores.map { Int32(bitPattern: $0.bitPattern) }] }
        for numbers in parts {
            try numbers.map(\.littleEndian).withUnsafeBytes { try writer.write($0) }
        }
        let description: JSONValue = [
            "key": .string(origin.key), "data": .string(origin.data), "tokenizer": .string(origin.tokenizer),
            "max_length": .integer(origin.maxLength), "count": .integer(count),
            "id_bytes": .integer(layout.idBytes), "types": .bool(layout.hasTypes),
            "labels": map.map { .array($0.names.map(JSONValue.string)) } ?? .null,
            "problem_type": .string(labels.problemType.rawValue), "classes": .integer(labels.classCount),
            "label_sets": .array(labels.sets.map { .array($0.map(JSONValue.integer)) }),
            "cut": .integer(cutCount), "pairs": .bool(hasPairs),
            "texts_per_row": .integer(textsPerRow), "groups": .bool(groups != nil),
            "translations": .bool(areTranslations),
            "words": rows.map { .integer($0.positions.count) } ?? .null, "lost": .integer(lostCount),
            "notes": .array(notes.map(\.json)),
        ]
        return Array(description.serialized().utf8)
    }

    /// Opens a file that ``finish(_:labels:origin:)`` completed.
    ///
    /// - Parameter key: The key that the file must have.
    /// - Throws: `ChecksummedFile.Problem` where it cannot be used, or has another key; `FileError`.
    static func open(
        _ url: URL, key: String, maxLength: Int, isUsed: Bool = true
    ) throws -> (dataset: EncodedDataset, labels: LabelMap?, cutCount: Int, notes: [DataNote]) {
        let file = try ChecksummedFile(url, format: format, isUsed: isUsed)
        let object = try? JSONValue.parse(file.description).objectValue
        guard let object, let count = object["count"]?.intValue, count >= 0, count <= file.count / 8,
            let idBytes = object["id_bytes"]?.intValue, let hasTypes = object["types"]?.boolValue,
            let cut = object["cut"]?.intValue, let hasPairs = object["pairs"]?.boolValue,
            case let texts = object["texts_per_row"]?.intValue ?? 1, [1, 2].contains(texts),
            count.isMultiple(of: texts), let areTranslations = object["translations"]?.boolValue
        else { throw ChecksummedFile.Problem.damaged("its description cannot be read") }
        guard object["key"]?.stringValue == key else {
            throw ChecksummedFile.Problem.foreign("it holds the tokens of other data")
        }
        let largest = idBytes == 2 ? 0 : Int(Int32.max)
        let layout = TokenStorage.Layout(largestID: largest, hasTypes: hasTypes)
        let words = object["words"]?.intValue
        guard words ?? 0 >= 0, words ?? 0 <= file.count / 12 else {
            throw ChecksummedFile.Problem.damaged("its description cannot be read")
        }
        let isGrouped = object["groups"]?.boolValue ?? false
        let recordBytes =
            file.count - (words.map { 12 * count + 12 * $0 } ?? 8 * count) - (isGrouped ? 8 * count : 0)
        guard recordBytes >= 0 else {
            throw ChecksummedFile.Problem.damaged("its lengths do not fit its size")
        }
        var offset = recordBytes
        func next(_ count: Int) throws -> [Int32] {
            offset += 4 * count
            return try numbers(file, count, at: offset - 4 * count)
        }
        let lengths = try next(count)
        let codes = try next(words ?? count)
        guard lengths.allSatisfy({ $0 >= 0 }),
            lengths.reduce(0, { $0 + Int($1) }) * layout.tokenBytes == recordBytes
        else { throw ChecksummedFile.Problem.damaged("its lengths do not fit its size") }
        let labels = try Self.labels(object, codes)
        var rows: TokenRows?
        let names = object["labels"]?.arrayValue?.compactMap(\.stringValue)
        if let words {
            let (counts, continues) = (try next(count), try next(count).map { $0 != 0 })
            rows = TokenRows(
                counts: counts, positions: try next(words), pieces: try next(words), continues: continues,
                lengths: lengths)
            guard rows != nil else {
                throw ChecksummedFile.Problem.damaged("its words do not fit its lengths")
            }
        }
        let groups = try isGrouped ? Self.groups(next(count), next(count)) : nil
        let storage = TokenStorage(
            layout: layout, records: .file(file), lengths: lengths, labels: labels, rows: rows,
            hasPairs: hasPairs, textsPerRow: texts, groups: groups, areTranslations: areTranslations)
        let tags = words == nil ? [] : names ?? []
        return (
            EncodedDataset(storage: storage, maxLength: maxLength, tagNames: tags),
            try names.map { try LabelMap(names: $0) }, cut,
            object["notes"]?.arrayValue?.compactMap(DataNote.init(json:)) ?? []
        )
    }

    /// - Throws: `ChecksummedFile.Problem` for labels that do not fit their classes.
    private static func labels(_ object: JSONObject, _ codes: [Int32]) throws -> ExampleLabels {
        guard let type = object["problem_type"]?.stringValue.flatMap(TaskIdentifier.init(rawValue:)),
            let classes = object["classes"]?.intValue,
            let sets = object["label_sets"]?.arrayValue?.map(integers),
            let labels = ExampleLabels(type, classCount: classes, codes: codes, sets: sets)
        else { throw ChecksummedFile.Problem.damaged("its labels cannot be read") }
        return labels
    }

    /// - Throws: `ChecksummedFile.Problem` for groups that are not consecutive.
    private static func groups(_ firsts: [Int32], _ scores: [Int32]) throws -> ExampleGroups {
        let scores = scores.map { Float(bitPattern: UInt32(bitPattern: $0)) }
        guard let groups = ExampleGroups(firsts: firsts, scores: scores) else {
            throw ChecksummedFile.Problem.damaged("its groups are not consecutive")
        }
        return groups
    }

    /// The description of a file's contents, in words; `nil` where it has none.
    static func summary(of url: URL) -> String? {
        guard let bytes = ChecksummedFile.description(of: url, format: format),
            let object = try? JSONValue.parse(bytes).objectValue, let data = object["data"]?.stringValue,
            let tokenizer = object["tokenizer"]?.stringValue, let length = object["max_length"]?.intValue,
            let count = object["count"]?.intValue
        else { return nil }
        return "\(data), \(count) examples, by the tokenizer of \(tokenizer), at most \(length) tokens"
    }

    /// The whole numbers of a list; one that no class has where it is none.
    private static func integers(_ value: JSONValue) -> [Int] {
        value.arrayValue?.compactMap(\.intValue) ?? [-1]
    }

    private static func numbers(_ file: ChecksummedFile, _ count: Int, at offset: Int) throws -> [Int32] {
        var numbers = [Int32](repeating: 0, count: count)
        try numbers.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        return numbers.map { Int32(littleEndian: $0) }
    }
}
