import Foundation

/// One open file of a data set of texts.
final class DataFile {
    private let file: OpenFile
    private(set) var records: any RecordReader

    /// - Throws: ``DatasetError``; `FileError` where the file cannot be read.
    init(_ url: URL, format: DatasetOptions.Format, options: DatasetOptions, chunkSize: Int) throws {
        file = try OpenFile(url, isForLibrary: format == .parquet, chunkSize: chunkSize)
        guard let reader = file.reader else {
            #if Parquet
                records = try ParquetReader(url, options: options)
                return
            #else
                throw file.withoutParquet
            #endif
        }
        records =
            format == .jsonl
            ? JSONLinesReader(reader, path: file.path, options: options)
            : DelimitedReader(reader, isTabbed: format == .tsv, path: file.path, options: options)
    }

    var path: String { file.path }

    /// The next row; `nil` at the end.
    ///
    /// - Throws: ``DatasetError``, also if the file has changed since it was opened.
    func next() throws -> TextRow? { try file.next { try records.next() } }

    /// SHA-256 of the file, once the end has been reached.
    ///
    /// - Throws: `FileError`.
    func sha256() throws -> String { try file.sha256() }
}
