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

    /// - Parameters:
    ///   - labels: The label map that the data must follow; `nil` takes the data's own.
    ///   - positions: How many positions the models have.
    static func load(
        _ request: DataRequest, labels: LabelMap?, seed: UInt64
    ) throws -> (train: TextDataset, validation: TextDataset, labels: LabelMap) {
        let train = try TextDataset.load(request.train, options: request.options, labels: labels)
        guard let map = labels ?? train.labels else {
            throw DistillationError(
                "\(request.train.path): there is no label column; name it with --label-column")
        }
        guard map.names.count > 1 else {
            throw DistillationError(
                "\(request.train.path): all examples have the label '\(map.names.first ?? "")'; "
                    + "a classifier needs at least two labels")
        }
        if let validation = request.validation {
            return (train, try TextDataset.load(validation, options: request.options, labels: map), map)
        }
        guard request.validationSplit > 0, request.validationSplit < 1 else {
            throw DistillationError(
                "validation_split must be between 0 and 1, got \(request.validationSplit); "
                    + "or give a file with --validation")
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
    var record: DataRecord { DataRecord(path: source, examples: examples.count, sha256: sha256) }
}
