import Datasets
import Foundation
import Tokenizers
import Transformers

/// Reads a data file in chunks, on one thread at a time.
protocol ChunkReader: Sendable {
    /// The next rows; `nil` at the end.
    func next(_ limit: Int) throws -> (any DataChunk)?
    /// The digest of what was read, at the end.
    var sha256: String { get }
    /// What the user may want to know of what was read, at the end.
    ///
    /// - Throws: ``DistillationError`` where nothing of it can be used.
    func notes(of path: String, maxLength: Int) throws -> [DataNote]
}

extension ChunkReader {
    func notes(of path: String, maxLength: Int) throws -> [DataNote] { [] }
}

/// Reads texts with labels.
final class RowReader: ChunkReader, @unchecked Sendable {
    // The prefetching thread reads; the others look only after it has ended.
    private let stream: TextStream
    private let map: LabelMap?
    private let problemType: TaskIdentifier
    private let required: Bool

    /// - Parameters:
    ///   - labels: The classes; `nil` where labels are not read.
    ///   - problemType: What the labels are.
    ///   - required: Whether a file without labels is refused.
    init(_ stream: TextStream, labels: LabelMap?, problemType: TaskIdentifier, required: Bool) {
        self.stream = stream
        map = labels
        self.problemType = problemType
        self.required = required
    }

    var sha256: String { stream.sha256 }

    /// The next rows; `nil` at the end.
    func next(_ limit: Int) throws -> (any DataChunk)? {
        let rows = try stream.rows(limit)
        guard !rows.isEmpty else { return nil }
        if required, !stream.hasLabels { throw Self.noLabels(stream.path, stream.columnNames) }
        return TextChunk(
            texts: rows.map { TextPair($0.text, pair: $0.pair) },
            targets: try map.map { try problemType.definition.targets(of: rows, from: stream, $0) },
            hasPairs: stream.hasPairs, error: stream.errors(about: rows))
    }

    /// - Parameter columns: The names of those there are.
    static func noLabels(_ path: String, _ columns: [String]) -> DistillationError {
        DistillationError(
            "\(path): there is no label column; the columns are \(DatasetError.list(columns)); name it with --label-column"
        )
    }
}
