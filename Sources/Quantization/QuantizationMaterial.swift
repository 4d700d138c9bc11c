import Distillation
import Foundation
import Tokenizers
import Transformers

/// The data of a quantization, as the model's tokenizer encodes them.
struct QuantizationMaterial {
    /// Labeled examples to evaluate on.
    let data: LoadedData?
    /// Texts to calibrate on; their labels are ignored.
    let texts: LoadedData?
    /// The number of them that calibrate.
    let calibrationCount: Int

    /// - Throws: `DistillationError` for data without examples; `DatasetError` for labels that the model does not have.
    init(_ request: QuantizeRequest, _ source: LoadedModel, _ log: RunLog) throws {
        let loader = request.cache.loader(
            request.columns.options, tokenizer: source.tokenizer, directory: source.directory,
            maxLength: source.maxLength(request.maxLength), log: log)
        let type = source.model.configuration.task
        func load(_ file: URL, allowsUnlabeled: Bool) throws -> LoadedData {
            let data = try loader.load(
                file, labels: .given(source.labels), problemType: type, allowsUnlabeled: allowsUnlabeled)
            guard data.dataset.count > 0 else {
                throw DistillationError(
                    "\(file.path): has no examples; \(allowsUnlabeled ? "calibration" : "evaluation") needs some"
                )
            }
            return data
        }
        (data, texts) = try log.phase("Reading and tokenizing data") {
            let data = try request.data.map { try load($0, allowsUnlabeled: false) }
            // Labels that the model does not know show that the data are of another task.
            let texts = try request.calibrationData.map { try load($0, allowsUnlabeled: true) }
            return (data, texts ?? data)
        }
        calibrationCount = min(request.calibrationExamples, texts?.dataset.count ?? 0)
    }

    /// Returns examples spread evenly over the calibration data, those of one length together: padding must not count as data.
    func calibrationBatches(_ size: Int) throws -> [PackedInput] {
        guard let dataset = texts?.dataset, calibrationCount > 0 else {
            // Enough to run every layer once.
            return [PackedInput(inputIDs: [0, 1, 2, 3], offsets: [0, 4])]
        }
        let lengths = dataset.lengths
        let indices = (0..<calibrationCount).map { $0 * dataset.count / calibrationCount }
        let groups = Dictionary(grouping: indices) { lengths[$0] }
        return try groups.keys.sorted().flatMap { length in
            let group = groups[length] ?? []
            return try stride(from: 0, to: group.count, by: size).map { start in
                try dataset.packed(Array(group[start..<min(start + size, group.count)]))
            }
        }
    }
}
