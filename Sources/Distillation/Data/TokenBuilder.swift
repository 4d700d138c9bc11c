import Datasets
import Files
import Foundation
import JSON
import Tokenizers

/// Tokenizes chunks of rows into the records of a ``TokenStorage``, and knows the file they are kept in.
///
/// The file's payload is all records, then the lengths, then the labels, as Int32. Its description is JSON.
final class TokenBuilder {
    static let format = SealedFile.Format(magic: "DSTLTOKS", version: 1)

    private let tokenizer: Tokenizer
    private let maxLength: Int
    private var layout: TokenStorage.Layout
    private var lengths: [Int32] = []
    private var labels: [Int32] = []

    init(tokenizer: Tokenizer, maxLength: Int) {
        self.tokenizer = tokenizer
        self.maxLength = maxLength
        layout = TokenStorage.Layout(largestID: Int(tokenizer.largestTokenID), hasTypes: false)
    }

    /// The examples so far.
    var count: Int { lengths.count }

    /// Tokenizes rows on all cores.
    ///
    /// - Returns: Their records.
    func append(_ chunk: RowReader.Chunk) throws -> [UInt8] {
        // All rows of a file have a second text, or none has.
        if chunk.hasPairs { layout.hasTypes = true }
        let encoding = try tokenizer.encodeFlat(batch: chunk.texts, maxLength: maxLength)
        var records: [UInt8] = []
        records.reserveCapacity(encoding.ids.count * layout.tokenBytes)
        for (start, end) in zip(encoding.offsets, encoding.offsets.dropFirst()) {
            layout.encode(
                ids: encoding.ids[start..<end], types: encoding.typeIDs[start..<end], into: &records)
            lengths.append(Int32(end - start))
        }
        labels += chunk.labels
        return records
    }

    /// The finished data set over the records.
    func dataset(_ records: TokenStorage.Records) -> EncodedDataset {
        EncodedDataset(
            storage: TokenStorage(layout: layout, records: records, lengths: lengths, labels: labels),
            maxLength: maxLength)
    }

    /// Writes what follows the records.
    ///
    /// - Returns: The file's description.
    func finish(_ writer: SealedFile.Writer, labels map: LabelMap?) throws -> [UInt8] {
        for numbers in [lengths, labels] {
            try numbers.map(\.littleEndian).withUnsafeBytes { try writer.write($0) }
        }
        let description: JSONValue = [
            "count": .integer(count), "id_bytes": .integer(layout.idBytes), "types": .bool(layout.hasTypes),
            "labels": map.map { .array($0.names.map(JSONValue.string)) } ?? .null,
        ]
        return Array(description.serialized().utf8)
    }

    /// Opens a file that ``finish(_:labels:)`` completed.
    ///
    /// - Throws: `SealedFile.Problem` where it cannot be used; `FileError`.
    static func open(_ url: URL, maxLength: Int) throws -> (EncodedDataset, LabelMap?) {
        let file = try SealedFile(url, format: format)
        let object = try? JSONValue.parse(file.description).objectValue
        guard let object, let count = object["count"]?.intValue, count >= 0, count <= file.count / 8,
            let idBytes = object["id_bytes"]?.intValue, let hasTypes = object["types"]?.boolValue
        else { throw SealedFile.Problem.damaged("its description cannot be read") }
        let layout = TokenStorage.Layout(
            largestID: idBytes == 2 ? 0 : Int(Int32.max), hasTypes: hasTypes)
        let recordBytes = file.count - 8 * count
        let lengths = try numbers(file, count, at: recordBytes)
        let labels = try numbers(file, count, at: recordBytes + 4 * count)
        guard lengths.allSatisfy({ $0 >= 0 }),
            lengths.reduce(0, { $0 + Int($1) }) * layout.tokenBytes == recordBytes
        else { throw SealedFile.Problem.damaged("its lengths do not fit its size") }
        let names = object["labels"]?.arrayValue?.compactMap(\.stringValue)
        let storage = TokenStorage(layout: layout, records: .file(file), lengths: lengths, labels: labels)
        return (
            EncodedDataset(storage: storage, maxLength: maxLength), try names.map { try LabelMap(names: $0) }
        )
    }

    private static func numbers(_ file: SealedFile, _ count: Int, at offset: Int) throws -> [Int32] {
        var numbers = [Int32](repeating: 0, count: count)
        try numbers.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        return numbers.map { Int32(littleEndian: $0) }
    }
}

/// Reads rows in chunks, on one thread at a time.
final class RowReader: @unchecked Sendable {
    struct Chunk: Sendable {
        var texts: [TextPair]
        var labels: [Int32]
        var hasPairs: Bool
    }

    // The prefetching thread reads; the others look only after it has ended.
    private let stream: TextStream
    private let map: LabelMap?
    private let required: Bool

    /// - Parameters:
    ///   - labels: The classes; `nil` gives every row the class 0.
    ///   - required: Whether a file without labels is refused.
    init(_ stream: TextStream, labels: LabelMap?, required: Bool) {
        self.stream = stream
        map = labels
        self.required = required
    }

    var sha256: String { stream.sha256 }

    /// The next rows; `nil` at the end.
    func next(_ limit: Int) throws -> Chunk? {
        let rows = try stream.rows(limit)
        guard !rows.isEmpty else { return nil }
        if required, !stream.hasLabels { throw Self.noLabels(stream.path) }
        let labels = try rows.map { row in
            Int32(try map.flatMap { try stream.labelID(of: row, in: $0) } ?? 0)
        }
        return Chunk(
            texts: rows.map { TextPair($0.text, pair: $0.pair) }, labels: labels, hasPairs: stream.hasPairs)
    }

    static func noLabels(_ path: String) -> DistillationError {
        DistillationError("\(path): there is no label column; name it with --label-column")
    }
}
