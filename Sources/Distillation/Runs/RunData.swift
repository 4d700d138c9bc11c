import Datasets
import Foundation
import Tokenizers

/// The examples of a run: read, split where no validation file is given, and tokenized.
struct RunData {
    let train: EncodedDataset
    let validation: EncodedDataset
    let labels: LabelMap
    let trainRecord: DataRecord
    let validationRecord: DataRecord
    let maxLength: Int

    /// - Parameter labels: The label map that the data must follow; `nil` takes the data's own.
    static func load(
        _ request: DataRequest, labels: LabelMap?, seed: UInt64
    ) throws -> (train: TextDataset, validation: TextDataset, labels: LabelMap) {
        let train = try TextDataset.load(request.train, options: request.options, labels: labels)
        // With a teacher's labels given, these are the same.
        let map = try train.requireLabels()
        guard map.names.count > 1 else {
            throw DistillationError(
                "\(request.train.path): all examples have the label '\(map.names.first ?? "")'; "
                    + "a classifier needs at least two labels")
        }
        if let validation = request.validation {
            let dataset = try TextDataset.load(validation, options: request.options, labels: map)
            _ = try dataset.requireLabels()
            return (train, dataset, map)
        }
        let parts = try train.split(validationFraction: request.validationSplit, seed: seed)
        return (parts.train, parts.validation, map)
    }

    init(
        train: TextDataset, validation: TextDataset, labels: LabelMap, tokenizer: Tokenizer, maxLength: Int
    ) throws {
        self.train = try EncodedDataset(train, tokenizer: tokenizer, maxLength: maxLength)
        self.validation = try EncodedDataset(validation, tokenizer: tokenizer, maxLength: maxLength)
        self.labels = labels
        self.maxLength = maxLength
        trainRecord = train.record
        validationRecord = validation.record
    }

    /// What the user may want to know about the data.
    var notes: [String] {
        let cut = train.truncatedCount
        guard cut > 0 else { return [] }
        return [
            "\(cut) of \(train.count) training texts reach the maximum length of \(maxLength) tokens and may be cut."
        ]
    }
}

extension DataRequest {
    var options: DatasetOptions {
        DatasetOptions(textColumn: textColumn, pairColumn: textPairColumn, labelColumn: labelColumn)
    }
}

extension TextDataset {
    /// - Throws: ``DistillationError`` where the file has no labels.
    func requireLabels() throws -> LabelMap {
        guard let labels else {
            throw DistillationError("\(source): there is no label column; name it with --label-column")
        }
        return labels
    }

    var record: DataRecord { DataRecord(path: source, examples: examples.count, sha256: sha256) }
}
