import Datasets
import Foundation
import Tokenizers

/// The examples of a run: read, tokenized, and split where no validation file is given.
struct RunData {
    let train: EncodedDataset
    let validation: EncodedDataset
    let labels: LabelMap
    let trainRecord: DataRecord
    let validationRecord: DataRecord
    let maxLength: Int
    var test: LoadedData?

    /// - Parameters:
    ///   - labels: The label map that the data must follow; `nil` takes the data's own.
    ///   - seed: Decides which examples are held back.
    init(_ request: DataRequest, labels: LabelMap?, loader: DatasetLoader, seed: UInt64) throws {
        let data = try loader.load(request.train, labels: labels.map { .given($0) } ?? .inferred)
        // With a teacher's labels given, these are the same.
        guard let map = data.labels else { throw RowReader.noLabels(data.record.path) }
        guard map.names.count > 1 else {
            throw DistillationError(
                "\(data.record.path): all examples have the label '\(map.names.first ?? "")'; "
                    + "a classifier needs at least two labels")
        }
        self.labels = map
        maxLength = loader.maxLength
        if let file = request.validation {
            let other = try loader.load(file, labels: .given(map))
            (train, validation) = (data.dataset, other.dataset)
            (trainRecord, validationRecord) = (data.record, other.record)
            return
        }
        (train, validation) = try data.dataset.split(
            validationFraction: request.validationSplit, seed: seed, source: data.record.path)
        trainRecord = DataRecord(
            path: data.record.path, examples: train.count, sha256: data.record.sha256)
        validationRecord = DataRecord(
            path: data.record.path, examples: validation.count, sha256: data.record.sha256)
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

extension CacheOptions {
    /// A loader for the data that a model reads.
    func loader(
        _ options: DatasetOptions, tokenizer: Tokenizer, directory: URL, maxLength: Int, log: RunLog
    ) -> DatasetLoader {
        DatasetLoader(
            options: options, tokenizer: tokenizer, tokenizerDirectory: directory, maxLength: maxLength,
            root: data ? root : nil, memo: DigestMemo(root: data ? root : nil),
            warn: { log.send(.warning($0)) })
    }
}
