import Datasets
import Foundation

/// Reads sentences as words with tags.
final class WordReader: ChunkReader, @unchecked Sendable {
    // The prefetching thread reads; the others look only after it has ended.
    private let stream: TaggedStream
    private let map: LabelMap?
    private let conversion: TagConversion?
    private let required: Bool

    /// - Parameters:
    ///   - labels: The tags; `nil` where tags are not read.
    ///   - conversion: How the file's tags become these.
    ///   - required: Whether a file without tags is refused.
    init(_ stream: TaggedStream, labels: LabelMap?, conversion: TagConversion?, required: Bool) {
        self.stream = stream
        map = labels
        self.conversion = conversion
        self.required = required
    }

    var sha256: String { stream.sha256 }

    func next(_ limit: Int) throws -> (any DataChunk)? {
        let rows = try stream.rows(limit)
        guard !rows.isEmpty else { return nil }
        if required, !stream.hasTags { throw RowReader.noLabels(stream.path, stream.columnNames) }
        let tags = try map.map { map in try rows.map { try classes(of: $0, map) } }
        return WordChunk(
            words: rows.map(\.words), tags: tags, names: map?.names ?? [],
            error: stream.errors(about: rows))
    }

    private func classes(of row: TaggedRow, _ map: LabelMap) throws -> [Int] {
        guard var tags = row.tags else {
            return [Int](repeating: BatchLabels.unlabelled, count: row.words.count)
        }
        if let conversion { tags = conversion.apply(tags) }
        return try tags.map { tag in
            // A model may have I- alone, which begins entities too.
            let inside = conversion != nil && tag.hasPrefix("B-") ? map.id(of: "I-" + tag.dropFirst(2)) : nil
            guard let number = map.id(of: tag) ?? inside else {
                throw stream.error(
                    about: row,
                    "unknown tag '\(tag.prefix(60))'; the tags are \(DatasetError.list(map.names)), in this order"
                )
            }
            return number
        }
    }
}
