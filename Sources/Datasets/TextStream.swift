import Files
import Foundation

/// Reads a data file row by row, so that a file of any size takes no more memory than its longest row.
///
/// ```swift
/// let stream = try TextStream(URL(filePath: "train.csv.gz"))
/// while let row = try stream.next() { print(row.line, row.text) }
/// ```
public final class TextStream {
    /// The path of the file.
    public let path: String
    /// The rows read so far.
    public private(set) var count = 0
    private let file: FileStream
    private let reader: ByteReader
    private let isCompressed: Bool
    private var records: any RecordReader

    /// Opens CSV, TSV or JSON lines, plain or gzip.
    ///
    /// - Parameters:
    ///   - url: The file; its name tells the format unless the options do.
    ///   - options: The columns and the format.
    ///   - chunkSize: The bytes read at a time.
    /// - Throws: ``DatasetError`` where the format is unknown; `FileError` where the file cannot be read.
    public init(
        _ url: URL, options: DatasetOptions = DatasetOptions(), chunkSize: Int = 1 << 18
    ) throws {
        path = url.path(percentEncoded: false)
        isCompressed = try Self.isCompressed(url)
        file = try FileStream(url)
        let source: any ByteSource =
            isCompressed ? try Gunzip(file, path: path, chunkSize: chunkSize) : file
        reader = ByteReader(source, chunkSize: chunkSize)
        let format = try options.format(of: url)
        if format != .jsonl { try reader.skip(prefix: [0xEF, 0xBB, 0xBF]) }
        records =
            switch format {
            case .csv:
                DelimitedReader(reader, delimiter: UInt8(ascii: ","), path: path, options: options)
            case .tsv:
                DelimitedReader(reader, delimiter: UInt8(ascii: "\t"), path: path, options: options)
            case .jsonl: JSONLinesReader(reader, path: path, options: options)
            }
    }

    /// The next row; `nil` at the end.
    ///
    /// - Throws: ``DatasetError`` that names the file, the line and what to do, also for a file without rows.
    public func next() throws -> TextRow? {
        let row: TextRow?
        do { row = try records.next() } catch {
            // What damaged gzip data unpack to has errors of its own; the damage is what matters.
            if isCompressed { try reader.drain() }
            throw error
        }
        if row != nil {
            count += 1
        } else if count == 0 {
            throw DatasetError(path, "there are no examples in this file")
        }
        return row
    }

    /// The next rows, at most `limit`; none at the end.
    public func rows(_ limit: Int) throws -> [TextRow] {
        var rows: [TextRow] = []
        while rows.count < limit, let row = try next() { rows.append(row) }
        return rows
    }

    /// SHA-256 of the file, once the end has been reached.
    public var sha256: String { file.sha256 }

    /// Whether the file has labels; known once there has been a row.
    public var hasLabels: Bool { records.columns?.label != nil }

    /// Whether each row has two texts; known once there has been a row.
    public var hasPairs: Bool { records.columns?.pair != nil }

    /// The class of a row's label.
    ///
    /// - Throws: ``DatasetError`` for a label that the map does not have.
    public func labelID(of row: TextRow, in map: LabelMap) throws -> Int? {
        guard let label = row.label else { return nil }
        guard let id = map.id(ofLabel: label) else {
            throw DatasetError(
                path, line: row.line,
                "unknown label '\(label)'; the labels are \(list(map.names)), in this order")
        }
        return id
    }

    /// Reads the rest of the file for its labels.
    ///
    /// - Returns: Integers that count from 0 as class numbers, anything else as names; `nil` without labels.
    public func inferLabels() throws -> LabelMap? {
        var distinct: Set<[UInt8]> = []
        while let row = try next() {
            guard let label = row.label else { continue }
            distinct.insert(Array(label.utf8))
        }
        guard hasLabels else { return nil }
        return try LabelMap(inferredFrom: distinct.map { String(decoding: $0, as: UTF8.self) })
    }

    private static func isCompressed(_ url: URL) throws -> Bool {
        let file = try RandomAccessFile(url)
        guard file.count >= 2 else { return false }
        var start: [UInt8] = [0, 0]
        try start.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return start == [0x1F, 0x8B]
    }
}
