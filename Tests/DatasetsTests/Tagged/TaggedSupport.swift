import Foundation
import Testing

@testable import Datasets

enum TaggedSupport {
    static func load(
        _ text: String, as name: String = "data.conll", options: TaggedOptions = TaggedOptions(),
        chunkSize: Int = 1 << 18
    ) throws -> [TaggedRow] {
        try Support.withFile(name, Array(text.utf8)) { url in
            let stream = try TaggedStream(url, options: options, chunkSize: chunkSize)
            var rows: [TaggedRow] = []
            while let row = try stream.next() { rows.append(row) }
            return rows
        }
    }

    /// The message with which a file is refused, without its folder.
    static func refusal(
        _ text: String, as name: String = "data.conll", options: TaggedOptions = TaggedOptions()
    ) -> String {
        do {
            _ = try load(text, as: name, options: options)
            return "not refused"
        } catch let error as DatasetError {
            #expect(!error.description.contains("\n"))
            guard let place = error.description.range(of: name) else { return error.description }
            return String(error.description[place.lowerBound...])
        } catch { return "another error: \(error)" }
    }

    /// A row as one text: words with their tags.
    static func shown(_ row: TaggedRow) -> String {
        row.words.indices.map { place in
            row.words[place] + (row.tags.map { "/" + $0[place] } ?? "")
        }.joined(separator: " ")
    }
}
