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
    let form: DatasetOptions.LabelForm
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
        guard !options.labelSeparator.isEmpty else {
            throw DatasetError(
                "label_separator is empty; give the text that stands between labels, such as ','")
        }
        form = options.labelForm
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

    /// Whether the file has a place for labels; known once there has been a row, or, where examples may lack a label,
    /// at the end.
    public var hasLabels: Bool { records.hasLabels }

    /// Whether each row has two texts; known once there has been a row.
    public var hasPairs: Bool { records.hasPairs }

    /// Whether the first label of a file is a JSON array, and so a set.
    ///
    /// - Parameters:
    ///   - url: The file.
    ///   - options: How it is read; what they say of the labels' form does not count.
    /// - Throws: ``DatasetError`` for what is wrong with the rows up to there; `FileError`.
    public static func hasLabelSets(_ url: URL, options: DatasetOptions) throws -> Bool {
        guard try options.format(of: url) == .jsonl else { return false }
        var options = options
        (options.labelForm, options.allowsUnlabelled) = (.set, true)
        let stream = try TextStream(url, options: options)
        while let row = try stream.next() {
            if row.labelSet != nil { return stream.records.hasArrays }
        }
        return false
    }

    private static func isCompressed(_ url: URL) throws -> Bool {
        let file = try RandomAccessFile(url)
        guard file.count >= 2 else { return false }
        var start: [UInt8] = [0, 0]
        try start.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return start == [0x1F, 0x8B]
    }
}
