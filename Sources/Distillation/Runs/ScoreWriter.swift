import Datasets
import Files
import Foundation
import JSON
import Transformers

/// The numbers that `distill label --output` writes.
public enum ScoreOutput: String, CaseIterable, Sendable {
    /// The logits, so that reading them gives the same bits.
    case logits
    case probabilities
}

/// Writes a teacher's scores as JSON lines: the text, and an object of labels and numbers in the order of the classes.
struct ScoreWriter {
    let output: URL
    let overwrite: Bool
    let labels: [String]
    let kind: OutputKind
    let numbers: ScoreOutput
    /// True if a row of the file is a query with documents.
    private let ranks: Bool

    /// - Throws: ``DistillationError`` for a teacher whose outputs are no scores of texts, and for a file that is there.
    init(_ request: LabelRequest, output: URL, labels: [String], task: TaskIdentifier) throws {
        if task.ranksDocuments {
            guard request.numbers == .logits, request.shard == nil else {
                throw DistillationError(
                    "\(request.teacher.path): a cross-encoder's scores are its logits, of whole queries; leave --scores and --shard out"
                )
            }
        }
        guard task.definition.takesScores || task.ranksDocuments else {
            throw DistillationError(
                "\(request.teacher.path): --output writes the scores of text classifiers, this model's task is \(task.rawValue); "
                    + "leave it out")
        }
        (self.output, overwrite, self.labels) = (output, request.overwrite, labels)
        (kind, numbers, ranks) = (task.definition.outputs, request.numbers, task.ranksDocuments)
        let path = output.path(percentEncoded: false)
        // By its name a run knows what a file holds.
        guard ["jsonl", "ndjson", "json"].contains(output.pathExtension.lowercased()) else {
            throw DistillationError("\(path): scores are written as JSON lines; name the file .jsonl")
        }
        var isDirectory: ObjCBool = false
        let folder = output.deletingLastPathComponent().path(percentEncoded: false)
        guard FileManager.default.fileExists(atPath: folder, isDirectory: &isDirectory), isDirectory.boolValue
        else {
            throw DistillationError("\(path): there is no directory \(folder); make it, or name another file")
        }
        guard try !DataFiles.files(request.data).contains(where: { $0.absolutePath == output.absolutePath })
        else { throw DistillationError("\(path): this is the file of the texts; write the scores elsewhere") }
        guard overwrite || !FileManager.default.fileExists(atPath: path) else {
            throw DistillationError(
                "\(path): there is such a file; pass --overwrite to replace it, or name another")
        }
    }

    /// Writes the file, which is there completely or not at all.
    ///
    /// - Parameter body: Hands each row to a writer of lines.
    /// - Throws: `FileError`, and what `body` throws.
    func write(_ body: ((TextRow, ArraySlice<Float>) throws -> Void) throws -> Void) throws {
        try AtomicFile.write(to: output, replacing: overwrite) { file in
            try body { row, logits in try file.write(line(row, logits) + "\n") }
        }
    }

    /// Writes the outputs of all rows of a file, or of a shard.
    ///
    /// - Throws: `DatasetError` where the file is another than was read; what ``write(_:)`` throws.
    func write(
        _ outputs: any TeacherOutputs, of data: URL, options: DatasetOptions, sha256: String, shard: Shard?
    ) throws {
        var options = options
        guard !ranks else {
            return try writeRanking(outputs, of: data, options: options, sha256: sha256)
        }
        options.readsLabels = false
        try write { line in
            let stream = try TextStream(data, options: options)
            var (index, values) = (0, [Float]())
            while let row = try stream.next() {
                guard shard?.holds(stream.count - 1) ?? true else { continue }
                guard index < outputs.count else { throw DatasetError.changed(stream.path) }
                values.removeAll(keepingCapacity: true)
                try outputs.appendRow(index, to: &values)
                try line(row, values[...])
                index += 1
            }
            guard index == outputs.count, stream.sha256 == sha256 else {
                throw DatasetError.changed(stream.path)
            }
        }
    }

    private func line(_ row: TextRow, _ logits: ArraySlice<Float>) -> String {
        var object: JSONObject = ["text": .string(row.text)]
        if let pair = row.pair { object["text_pair"] = .string(pair) }
        // As a Double a float has digits that give the same float again.
        let exact = logits.map(Double.init)
        let values = numbers == .logits ? exact : kind.probabilities(exact)
        object[numbers.rawValue] = .object(
            JSONObject(zip(labels, values).map { ($0, JSONValue.number($1)) }))
        return JSONValue.object(object).serialized()
    }
}

extension Shard {
    /// Returns true if an example, counted from 0, is of this part.
    func holds(_ index: Int) -> Bool { index % count == number - 1 }
}
