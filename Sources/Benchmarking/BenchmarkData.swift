import Datasets
import Distillation
import Foundation
import Transformers

/// The data as one model reads them.
struct BenchmarkData {
    let dataset: EncodedDataset
    /// The classes' names.
    let labels: [String]
    let record: DataRecord

    /// Reads and tokenizes a file.
    ///
    /// - Throws: `DatasetError`, which names the file and the line; `DistillationError` where the classes are unknown.
    init(
        _ url: URL, _ request: BenchmarkRequest, _ subject: BenchmarkSubject,
        among subjects: [BenchmarkSubject],
        _ log: RunLog
    ) throws {
        guard let tokenizer = subject.tokenizer, let directory = subject.tokenizerDirectory else {
            throw DistillationError("\(subject.path.path): has no tokenizer")
        }
        guard let configuration = subject.labels(among: subjects) else {
            throw DistillationError(
                "\(subject.path.path): has no config.json beside it, so the names of its classes are unknown; copy the "
                    + "model's there, or leave --data out")
        }
        let loader = DatasetLoader.uncached(
            request.columns.options, tokenizer: tokenizer, directory: directory,
            maxLength: subject.length(request.maxLength, among: subjects), log: log)
        let loaded = try loader.load(
            url, labels: .given(LabelMap(names: configuration.labelNames)),
            problemType: configuration.task, allowsUnlabeled: true)
        dataset = loaded.dataset
        labels = configuration.labelNames
        record = loaded.record
    }

    /// Some of the texts, spread evenly over the data.
    func sample(_ limit: Int) -> EncodedDataset {
        guard dataset.count > limit else { return dataset }
        return dataset.subset((0..<limit).map { $0 * dataset.count / limit })
    }
}
