import Foundation

/// Reads a data set of JSON objects row by row, for those who know what the keys mean.
///
/// ```swift
/// let stream = try ObjectStream(URL(filePath: "chats.jsonl.gz"))
/// while let row = try stream.next() { print(row.line, row.object.keys) }
/// ```
public final class ObjectStream {
    /// The path of the file, or the pattern of several.
    public let path: String
    /// The rows read so far.
    public private(set) var count = 0
    private let files: [URL]
    private let format: DatasetOptions.Format
    private let wanted: [String]?
    /// The form of CSV and TSV where tables, lists and numbers are rows too; `nil` where objects alone are.
    private let delimited: DelimitedFormat?
    private let chunkSize: Int
    /// The file that is being read.
    private var file: OpenFile
    private var reader: any ObjectReader
    /// The digests of those that have been read.
    private var digests: [String] = []
    private var isAtEnd = false

    /// Opens JSON lines, plain or gzip, or Parquet, whose columns of text become strings.
    ///
    /// - Parameters:
    ///   - url: The file, or a pattern of several that are read one after another (see ``DataFiles``); its name determines
    ///     the format unless that is given.
    ///   - format: The format; `nil` goes by the file's name.
    ///   - parquetColumns: The columns that are read of Parquet, as far as there are such; `nil` reads all columns of text.
    ///   - chunkSize: The bytes read at a time.
    /// - Throws: ``DatasetError`` where the format is unknown or has no objects; `FileError` where the file cannot be read.
    public convenience init(
        _ url: URL, format: DatasetOptions.Format? = nil, parquetColumns: [String]? = nil,
        chunkSize: Int = 1 << 18
    ) throws {
        try self.init(
            url, format: format, parquetColumns: parquetColumns, delimited: nil, chunkSize: chunkSize)
    }

    /// Opens a file of any format: rows of CSV and TSV become objects of texts, arrays of JSON objects with an empty key, and of
    /// Parquet numbers and lists are read too.
    ///
    /// - Parameter delimited: The delimiter and quoting of CSV and TSV.
    package convenience init(_ url: URL, readsAll delimited: DelimitedFormat, chunkSize: Int = 1 << 18) throws
    {
        try self.init(
            url, format: nil, parquetColumns: nil, delimited: delimited, chunkSize: chunkSize)
    }

    private init(
        _ url: URL, format: DatasetOptions.Format?, parquetColumns: [String]?, delimited: DelimitedFormat?,
        chunkSize: Int
    ) throws {
        path = url.path(percentEncoded: false)
        files = try DataFiles.files(url)
        let format = try DatasetOptions(format: format).format(of: url)
        guard format == .jsonl || format == .parquet || delimited != nil else {
            throw DatasetError(
                path,
                "this is \(format.rawValue.uppercased()), which these data cannot be read from; write JSON lines "
                    + "(.jsonl) or Parquet")
        }
        (self.format, wanted, self.delimited, self.chunkSize) = (format, parquetColumns, delimited, chunkSize)
        (file, reader) = try Self.open(files[0], format, parquetColumns, delimited, chunkSize)
    }

    private static func open(
        _ url: URL, _ format: DatasetOptions.Format, _ wanted: [String]?, _ delimited: DelimitedFormat?,
        _ chunkSize: Int
    ) throws -> (OpenFile, any ObjectReader) {
        let file = try OpenFile(url, isForLibrary: format == .parquet, chunkSize: chunkSize)
        guard let reader = file.reader else {
            #if Parquet
                return (file, try ObjectParquetReader(url, wanted: wanted, readsNumbers: delimited != nil))
            #else
                throw file.withoutParquet
            #endif
        }
        if let delimited, format != .jsonl {
            return (
                file,
                ObjectTableReader(reader, isTabbed: format == .tsv, path: file.path, format: delimited)
            )
        }
        return (file, ObjectJSONReader(reader, path: file.path, takesArrays: delimited != nil))
    }

    /// The columns of the file that is being read, of types that are not.
    var unreadColumns: [UnreadColumn] { reader.unreadColumns }

    /// Reads the next row.
    ///
    /// - Returns: The row; `nil` at the end.
    /// - Throws: ``DatasetError`` that names the file, the line and what to do, also for a data set without rows.
    public func next() throws -> ObjectRow? {
        while !isAtEnd {
            if var row = try file.next({ try reader.next() }) {
                row.file = digests.count
                count += 1
                return row
            }
            digests.append(try file.sha256())
            if digests.count == files.count {
                isAtEnd = true
            } else {
                (file, reader) = try Self.open(
                    files[digests.count], format, wanted, delimited, chunkSize)
            }
        }
        guard count > 0 else { throw DatasetError(path, "there are no rows in this file") }
        return nil
    }

    /// Reads the next rows.
    ///
    /// - Parameter limit: The most rows.
    /// - Returns: The rows, fewer where they are long; none at the end.
    /// - Throws: What ``next()`` throws.
    public func rows(_ limit: Int) throws -> [ObjectRow] {
        var rows: [ObjectRow] = []
        var bytes = 0
        while rows.count < limit, bytes < Limits.chunk, let row = try next() {
            bytes += row.size
            rows.append(row)
        }
        return rows
    }

    /// The SHA-256 of the file, once the end has been reached; of several files see ``DataFiles/sha256(_:)``.
    public var sha256: String { isAtEnd ? DataFiles.sha256(digests) : "" }

    /// Makes an error about a row of this data set, which names its file and line.
    ///
    /// - Parameters:
    ///   - row: The row.
    ///   - reason: What is wrong, and what to do.
    /// - Returns: The error.
    public func error(about row: ObjectRow, _ reason: String) -> DatasetError { errors(row, reason) }

    /// The function that makes such errors, for any thread.
    public var errors: @Sendable (_ row: ObjectRow, _ reason: String) -> DatasetError {
        let paths = files.count == 1 ? [path] : files.map { $0.path(percentEncoded: false) }
        return { DatasetError(paths[min($0.file, paths.count - 1)], at: $0, $1) }
    }
}
