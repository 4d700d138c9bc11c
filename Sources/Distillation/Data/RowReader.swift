import Datasets
import Foundation
import Tokenizers
import Transformers

/// Reads rows in chunks, on one thread at a time.
final class RowReader: @unchecked Sendable {
    struct Chunk: Sendable {
        var texts: [TextPair]
        /// `nil` where labels are not looked at.
        var targets: Targets?
        var hasPairs: Bool
        /// The error about one of the texts, which names its file and line.
        var error: @Sendable (_ index: Int, _ reason: String) -> DatasetError
    }

    // The prefetching thread reads; the others look only after it has ended.
    private let stream: TextStream
    private let map: LabelMap?
    private let problemType: TaskIdentifier
    private let required: Bool

    /// - Parameters:
    ///   - labels: The classes; `nil` where labels are not looked at.
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
    func next(_ limit: Int) throws -> Chunk? {
        let rows = try stream.rows(limit)
        guard !rows.isEmpty else { return nil }
        if required, !stream.hasLabels { throw Self.noLabels(stream.path, stream.columnNames) }
        return Chunk(
            texts: rows.map { TextPair($0.text, pair: $0.pair) },
            targets: try map.map { try targets(rows, $0) },
            hasPairs: stream.hasPairs, error: stream.errors(about: rows))
    }

    private func targets(_ rows: [TextRow], _ map: LabelMap) throws -> Targets {
        switch problemType {
        case .singleLabel:
            .classes(
                try rows.map { try stream.labelID(of: $0, in: map) ?? BatchLabels.unlabelled },
                count: map.count)
        case .multiLabel: .sets(try rows.map { try stream.labelIDs(of: $0, in: map) }, count: map.count)
        case .regression: .values(try rows.map { try stream.value(of: $0) ?? .nan })
        }
    }

    /// - Parameter columns: The names of those there are.
    static func noLabels(_ path: String, _ columns: [String]) -> DistillationError {
        DistillationError(
            "\(path): there is no label column; the columns are \(DatasetError.list(columns)); name it with --label-column"
        )
    }
}

extension DatasetOptions.LabelForm {
    /// What labels are for a problem type.
    init(_ problemType: TaskIdentifier) {
        switch problemType {
        case .singleLabel: self = .name
        case .multiLabel: self = .set
        case .regression: self = .number
        }
    }
}
