import Datasets
import Files
import Foundation
import JSON

/// A cross-encoder's scores of queries with documents, in the form that `distill run --scores-column scores` reads.
extension ScoreWriter {
    /// Writes the scores of all documents of a file: a line for each query, with the labels that it has.
    ///
    /// - Parameters:
    ///   - outputs: A row for each document.
    ///   - data: The file.
    ///   - options: How it was read.
    ///   - sha256: Its digest when it was read.
    /// - Throws: `DatasetError` where the file is another than was read; `FileError`.
    func writeRanking(
        _ outputs: any TeacherOutputs, of data: URL, options: DatasetOptions, sha256: String
    ) throws {
        let stream = try RankingStream(data, options: RankingReader.options(options))
        try AtomicFile.write(to: output, replacing: overwrite) { file in
            var (index, values) = (0, [Float]())
            while let group = try stream.next() {
                guard index + group.documents.count <= outputs.count else {
                    throw DatasetError.changed(stream.path)
                }
                values.removeAll(keepingCapacity: true)
                for document in group.documents.indices {
                    try outputs.appendRow(index + document, to: &values)
                }
                index += group.documents.count
                try file.write(line(group, values) + "\n")
            }
            guard index == outputs.count, stream.sha256 == sha256 else {
                throw DatasetError.changed(stream.path)
            }
        }
    }

    private func line(_ group: RankedGroup, _ scores: [Float]) -> String {
        var object: JSONObject = [
            "query": .string(group.query), "documents": .array(group.documents.map(JSONValue.string)),
        ]
        if group.labels.contains(where: { $0 != nil }) {
            object["labels"] = .array(group.labels.map { $0.map { .number(Double($0)) } ?? .null })
        }
        // As a Double a float has digits that give the same float again.
        object["scores"] = .array(scores.map { .number(Double($0)) })
        return JSONValue.object(object).serialized()
    }
}
