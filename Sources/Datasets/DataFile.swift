import Files
import Foundation

/// One open file of a data set.
final class DataFile {
    let path: String
    private let url: URL
    /// The bytes on their way; `nil` where a library reads them by itself.
    private let stream: FileStream?
    private let reader: ByteReader?
    private let isCompressed: Bool
    private(set) var records: any RecordReader

    /// - Throws: ``DatasetError``; `FileError` where the file cannot be read.
    init(_ url: URL, format: DatasetOptions.Format, options: DatasetOptions, chunkSize: Int) throws {
        self.url = url
        path = url.path(percentEncoded: false)
        isCompressed = try Self.isCompressed(url)
        guard format != .parquet else {
            guard !isCompressed else {
                throw DatasetError(path, "this is gzip; Parquet compresses within, so unpack it first")
            }
            (stream, reader) = (nil, nil)
            #if Parquet
                records = try ParquetReader(url, options: options)
                return
            #else
                throw DatasetError(
                    path,
                    "this program was built without Parquet; build it with 'make build PARQUET=1' "
                        + "(or 'swift build --traits Parquet'), or convert the file to CSV or JSON lines")
            #endif
        }
        let stream = try FileStream(url)
        let source: any ByteSource =
            isCompressed ? try Gunzip(stream, path: path, chunkSize: chunkSize) : stream
        let reader = ByteReader(source, chunkSize: chunkSize)
        (self.stream, self.reader) = (stream, reader)
        if format != .jsonl { try reader.skip(prefix: [0xEF, 0xBB, 0xBF]) }
        records =
            format == .jsonl
            ? JSONLinesReader(reader, path: path, options: options)
            : DelimitedReader(
                reader, delimiter: UInt8(ascii: format == .csv ? "," : "\t"), path: path, options: options)
    }

    /// The next row; `nil` at the end.
    ///
    /// - Throws: ``DatasetError``.
    func next() throws -> TextRow? {
        do { return try records.next() } catch {
            // What damaged gzip data unpack to has errors of its own; the damage is what matters.
            if isCompressed { try reader?.drain() }
            throw error
        }
    }

    /// SHA-256 of the file, once the end has been reached.
    ///
    /// - Throws: `FileError`.
    func sha256() throws -> String { try stream?.sha256 ?? Digest.sha256(ofFile: url) }

    private static func isCompressed(_ url: URL) throws -> Bool {
        let file = try RandomAccessFile(url)
        guard file.count >= 2 else { return false }
        var start: [UInt8] = [0, 0]
        try start.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
        return start == [0x1F, 0x8B]
    }
}
