import Foundation

/// Reads a data set for token classification sentence by sentence.
///
/// ```swift
/// let stream = try TaggedStream(URL(filePath: "train.conll"))
/// while let row = try stream.next() { print(row.line, row.words, row.tags ?? []) }
/// ```
public final class TaggedStream {
    /// The path of the file, or the pattern of several.
    public let path: String
    /// The rows read so far.
    public private(set) var count = 0
    private let files: [URL]
    private let options: TaggedOptions
    private let format: TaggedOptions.Format
    private let chunkSize: Int
    /// The file that is being read.
    private var file: OpenFile
    private var reader: any TaggedReader
    /// The digests of those that have been read.
    private var digests: [String] = []
    private var isAtEnd = false
    /// The properties of the first file that had a row.
    private var shape: (path: String, hasTags: Bool, tagNames: [String]?)?

    /// Opens CoNLL or JSON, plain or gzip, or Parquet.
    ///
    /// - Parameters:
    ///   - url: The file, or a pattern of several that are read one after another (see ``DataFiles``); its name determines
    ///     the format unless the options do.
    ///   - options: The columns and the format.
    ///   - chunkSize: The bytes read at a time.
    /// - Throws: ``DatasetError`` where the format is unknown; `FileError` where the file cannot be read.
    public init(_ url: URL, options: TaggedOptions = TaggedOptions(), chunkSize: Int = 1 << 18) throws {
        path = url.path(percentEncoded: false)
        files = try DataFiles.files(url)
        format = try options.format(of: url)
        (self.options, self.chunkSize) = (options, chunkSize)
        (file, reader) = try Self.open(files[0], format, options, chunkSize)
    }

    private static func open(
        _ url: URL, _ format: TaggedOptions.Format, _ options: TaggedOptions, _ chunkSize: Int
    ) throws -> (OpenFile, any TaggedReader) {
        let file = try OpenFile(url, isForLibrary: format == .parquet, chunkSize: chunkSize)
        guard let reader = file.reader else {
            #if Parquet
                return (file, try TaggedParquetReader(url, options: options))
            #else
                throw file.withoutParquet
            #endif
        }
        return format == .conll
            ? (file, CoNLLReader(reader, path: file.path, options: options))
            : (file, TaggedJSONReader(reader, path: file.path, options: options))
    }

    /// The next row; `nil` at the end.
    ///
    /// - Throws: ``DatasetError`` that names the file, the line and what to do, also for a data set without rows.
    public func next() throws -> TaggedRow? {
        while !isAtEnd {
            if var row = try file.next({ try reader.next() }) {
                if files.count > 1 { try checkShape() }
                row.file = digests.count
                count += 1
                return row
            }
            digests.append(try file.sha256())
            if digests.count == files.count {
                isAtEnd = true
            } else {
                (file, reader) = try Self.open(files[digests.count], format, options, chunkSize)
            }
        }
        guard count > 0 else { throw DatasetError(path, "there are no sentences in this file") }
        return nil
    }

    /// The next rows, at most `limit`, and fewer where they are long; none at the end.
    public func rows(_ limit: Int) throws -> [TaggedRow] {
        var rows: [TaggedRow] = []
        var bytes = 0
        while rows.count < limit, bytes < Limits.chunk, let row = try next() {
            bytes += row.words.reduce(row.text?.utf8.count ?? 0) { $0 + $1.utf8.count + 16 }
            rows.append(row)
        }
        return rows
    }

    /// SHA-256 of the file, once the end has been reached; of several files see ``DataFiles/sha256(_:)``.
    public var sha256: String { isAtEnd ? DataFiles.sha256(digests) : "" }

    /// True if the data set has a field for tags; known once there has been a row, or, where rows may lack tags, at the
    /// end.
    public var hasTags: Bool { reader.hasTags || shape?.hasTags == true }

    /// The names of the columns, of JSON the first object's keys, or the numbers of columns without names; known once
    /// there has been a row.
    public var columnNames: [String] { reader.columnNames }

    /// The names of the tags by their numbers, where the file itself has them, as Parquet from `datasets` does.
    public var tagNames: [String]? { shape == nil ? reader.tagNames : shape?.tagNames }

    /// The error about a row of this data set, which names its file and line.
    public func error(about row: TaggedRow, _ reason: String) -> DatasetError {
        let file = files.count == 1 ? path : files[min(row.file, files.count - 1)].path(percentEncoded: false)
        return DatasetError(file, at: row, reason)
    }

    /// Returns a function that makes an error about one of some rows, on any thread.
    public func errors(about rows: [TaggedRow]) -> @Sendable (_ index: Int, _ reason: String) -> DatasetError
    {
        let paths = files.count == 1 ? [path] : files.map { $0.path(percentEncoded: false) }
        return { DatasetError(paths[min(rows[$0].file, paths.count - 1)], at: rows[$0], $1) }
    }

    /// Compares the file, which has had a row, with the first.
    ///
    /// - Throws: ``DatasetError``.
    private func checkShape() throws {
        guard let first = shape, first.path != file.path else {
            shape = (file.path, reader.hasTags, reader.tagNames)
            return
        }
        guard options.allowsUntagged || reader.hasTags == first.hasTags else {
            throw DatasetError(
                file.path,
                "tags are \(reader.hasTags ? "there" : "missing"), unlike in \(first.path), of the same data set; read "
                    + "the files apart")
        }
        guard reader.tagNames == first.tagNames else {
            throw DatasetError(
                file.path,
                "the tags have other names than in \(first.path), of the same data set; read the files apart")
        }
        if reader.hasTags { shape?.hasTags = true }
    }
}
