import Datasets
import Foundation

/// Reads a data set as tokenized texts, some at a time, with a survey of those read.
///
/// ```swift
/// let encoder = try TrainingTextEncoder.load(directory: model, options: .init(maxLength: 1024))
/// let stream = try TokenizedTextStream(URL(filePath: "chats.jsonl"), encoder: encoder)
/// while let texts = try stream.next() { … }
/// print(stream.survey.trainedTokenCount, stream.survey.stopFraction ?? 0)
/// ```
public final class TokenizedTextStream {
    private let records: TrainingRecordStream
    private let encoder: TrainingTextEncoder
    /// What the records read so far are like.
    public private(set) var survey = TextSurvey()

    /// Opens a data set.
    ///
    /// - Parameters:
    ///   - url: The file, plain or gzip, or a pattern of several that are one data set.
    ///   - encoder: What makes texts of records.
    ///   - columns: The keys of a record's parts.
    ///   - format: The format; `nil` goes by the file's name.
    /// - Throws: `DatasetError`, or `FileError` where the file cannot be read, or ``ConversationsError`` for columns of several
    ///   shapes.
    public init(
        _ url: URL, encoder: TrainingTextEncoder, columns: RecordColumns = RecordColumns(),
        format: DatasetOptions.Format? = nil
    ) throws {
        records = try TrainingRecordStream(url, columns: columns, format: format)
        self.encoder = encoder
    }

    /// The path of the file, or the pattern of several.
    public var path: String { records.path }

    /// The shape of all records; known once there has been one.
    public var shape: RecordShape? { records.shape }

    /// The SHA-256 of the file, once the end has been reached; of several files see `DataFiles.sha256`.
    public var sha256: String { records.sha256 }

    /// Reads records, and tokenizes them on all cores.
    ///
    /// - Parameter limit: The most records; fewer are read where they are long.
    /// - Returns: Their texts, none where all are dropped; `nil` at the end.
    /// - Throws: `DatasetError` that names file, line and what to do; ``ConversationsError`` where there is no chat template for
    ///   conversations.
    public func next(_ limit: Int = 1024) throws -> [TokenizedText]? {
        let read = try records.records(max(1, limit))
        guard !read.isEmpty else { return nil }
        let (encoder, errors, path) = (encoder, records.errors, path)
        let threads = encoder.options.threads ?? ProcessInfo.processInfo.activeProcessorCount
        let fitted = try ParallelMap.map(read, threads: threads) { record in
            do { return try encoder.fit(record) } catch let error as ConversationsError {
                throw ConversationsError("\(path): \(error)")
            } catch {
                throw errors(record, "\(error)")
            }
        }
        for record in fitted { survey.add(record) }
        let texts = fitted.flatMap(\.texts)
        if survey.example == nil, let first = texts.first {
            // A tokenizer that cannot decode is still one to train with.
            survey.example = try? MarkedText(first, tokenizer: encoder.tokenizer)
        }
        return texts
    }
}
