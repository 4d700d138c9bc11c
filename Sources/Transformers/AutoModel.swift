import Foundation
import Torch

/// Opens model directories, whatever family they are of.
public enum AutoModel {
    /// Loads a sequence classifier from a directory in Hugging Face format.
    ///
    /// - Parameters:
    ///   - labelNames: The classes to tell apart, for fine-tuning; `nil` for the checkpoint's own. A head in the
    ///     checkpoint is kept where its number of classes fits.
    ///   - ignoreMismatchedSizes: Whether a head of another number of classes is replaced by a fresh one.
    ///   - seed: Decides what is newly initialised.
    /// - Throws: ``TransformersError``, `SafetensorsError` or `JSONError`, which name file, field or tensor.
    public static func load(
        from directory: URL, labelNames: [String]? = nil, ignoreMismatchedSizes: Bool = false,
        seed: UInt64 = 42,
        device: Device = .cpu
    ) throws -> (model: any SequenceClassifier, report: LoadReport) {
        var configuration = try BertConfiguration(contentsOf: directory)
        if let labelNames { configuration.labelNames = labelNames }
        var source = try CheckpointSource(directory: directory)
        if let labelNames, let head = source.shape(of: "classifier.weight"), head.first != labelNames.count {
            guard ignoreMismatchedSizes else {
                throw TransformersError(
                    "\(directory.path): the checkpoint's head tells \(head.first ?? 0) classes apart, the data has "
                        + "\(labelNames.count) (\(labelNames.prefix(5).joined(separator: ", "))); pass "
                        + "--ignore-mismatched-sizes to start with a fresh head")
            }
            source = try CheckpointSource(directory: directory, ignoringHead: true)
        }
        do {
            let model = try BertForSequenceClassification(
                configuration, source: source, seed: seed, device: device)
            return (model, LoadReport(newlyInitialized: model.newlyInitialized, unused: source.unused))
        } catch let error as TransformersError {
            throw TransformersError("\(directory.path): \(error.description)")
        }
    }

    /// Makes a model from a configuration alone, with parameters of `source` where it has them.
    public static func make(
        _ configuration: BertConfiguration, source: (any ParameterSource)?, seed: UInt64,
        device: Device = .cpu
    ) throws -> any SequenceClassifier {
        try BertForSequenceClassification(configuration, source: source, seed: seed, device: device)
    }
}
