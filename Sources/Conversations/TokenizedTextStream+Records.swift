import Datasets
import Foundation

/// The texts of one record.
package struct RecordTexts: Sendable {
    /// None where the record is dropped.
    package let texts: [TokenizedText]
    /// True if the end was cut off.
    package let isCut: Bool
    /// The record's line, counted from 1.
    package let line: Int
}

extension TokenizedTextStream {
    /// Reads records as ``next(_:)`` does, and says which texts are whose.
    ///
    /// - Parameters:
    ///   - url: The file, or a pattern of several.
    ///   - encoder: What makes texts of records.
    ///   - columns: The keys of a record's parts.
    ///   - body: Called for each record in order, dropped ones too.
    /// - Throws: What ``next(_:)`` throws, and what `body` throws.
    package static func forEachRecord(
        _ url: URL, encoder: TrainingTextEncoder, columns: RecordColumns, _ body: (RecordTexts) throws -> Void
    ) throws {
        let stream = try TrainingRecordStream(url, columns: columns)
        while let record = try stream.next() {
            let fitted: FittedRecord
            do { fitted = try encoder.fit(record) } catch let error as ConversationsError {
                throw ConversationsError("\(stream.path): \(error)")
            } catch {
                throw stream.errors(record, "\(error)")
            }
            try body(RecordTexts(texts: fitted.texts, isCut: fitted.isCut, line: record.row.line))
        }
    }
}
