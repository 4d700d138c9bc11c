import Datasets
import Foundation

/// Reads the records of a data set one by one: JSON lines or Parquet with `messages`, `prompt` and `completion`, or `text`.
///
/// Lists may also be written as JSON in a text, as Parquet's columns have them.
public final class TrainingRecordStream {
    private let objects: ObjectStream
    private var parser: RecordParser

    /// Opens a data set.
    ///
    /// - Parameters:
    ///   - url: The file, plain or gzip, or a pattern of several that are one data set.
    ///   - columns: The keys of a record's parts.
    ///   - format: The format; `nil` goes by the file's name.
    /// - Throws: `DatasetError`, or `FileError` where the file cannot be read, or ``ConversationsError`` for columns of several
    ///   shapes.
    public init(
        _ url: URL, columns: RecordColumns = RecordColumns(), format: DatasetOptions.Format? = nil
    ) throws {
        let objects = try ObjectStream(url, format: format, parquetColumns: columns.allKeys())
        parser = try RecordParser(columns, makeError: objects.errors)
        self.objects = objects
    }

    /// The path of the file, or the pattern of several.
    public var path: String { objects.path }

    /// The number of records so far.
    public var count: Int { objects.count }

    /// The shape of all records; known once there has been one.
    public var shape: RecordShape? { parser.shape }

    /// The SHA-256 of the file, once the end has been reached; of several files see `DataFiles.sha256`.
    public var sha256: String { objects.sha256 }

    /// The function that makes errors about records, which name file and line, on any thread.
    public var errors: @Sendable (_ record: TrainingRecord, _ reason: String) -> DatasetError {
        let errors = objects.errors
        return { errors($0.row, $1) }
    }

    /// Reads the next record.
    ///
    /// - Returns: The record; `nil` at the end.
    /// - Throws: `DatasetError` that names file, line, key and what to do, also for a data set without records.
    public func next() throws -> TrainingRecord? {
        try objects.next().map { try parser.record($0) }
    }

    /// Reads the next records.
    ///
    /// - Parameter limit: The most records.
    /// - Returns: The records, fewer where they are long; none at the end.
    /// - Throws: What ``next()`` throws.
    public func records(_ limit: Int) throws -> [TrainingRecord] {
        try objects.rows(limit).map { try parser.record($0) }
    }
}
