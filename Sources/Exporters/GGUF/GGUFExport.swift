import Files
import Foundation
import GGUF

/// Writes a language model as one GGUF file, which llama.cpp and the programs that stand on it run.
///
/// A tensor is in memory some rows at a time, whatever the size of the model.
public struct GGUFExport {
    /// The model.
    public let model: GGUFExportModel
    /// The type of its weights.
    public let output: GGUFOutputType
    /// What errors in the columns of its matrices count; `nil` where all count the same.
    public var importance: ImportanceMatrix?
    /// The model's name in the file; `nil` for its directory's.
    public var name: String?
    /// The most threads that quantize; the file's bytes do not depend on it.
    public var threads = Processors.activeCount

    /// - Parameters:
    ///   - model: The model.
    ///   - output: The type of its weights.
    ///   - importance: What errors in the columns of its matrices count.
    public init(_ model: GGUFExportModel, as output: GGUFOutputType, importance: ImportanceMatrix? = nil) {
        (self.model, self.output, self.importance) = (model, output, importance)
    }

    /// What was written.
    public struct Report: Sendable, Equatable, Codable {
        /// The number of tensors and of their bytes of each type, by llama.cpp's names.
        public var types: [String: Count]
        /// Notes for users of the file, in sentences.
        public var notes: [String]

        /// Tensors of a type.
        public struct Count: Sendable, Equatable, Codable {
            public var tensors = 0
            public var bytes = 0
        }
    }

    /// Writes the file, completely or not at all.
    ///
    /// - Parameters:
    ///   - url: The file; its folder must exist.
    ///   - willWrite: Called before each tensor with its number and name; what it throws ends the export.
    /// - Throws: ``ExportError`` where a weight is not finite, or llama.cpp has no tokenizer that gives the same tokens;
    ///   `GGUFError` where a number does not fit the type; `FileError` where the disk is full.
    public func write(
        to url: URL, willWrite: @escaping (_ number: Int, _ name: String) throws -> Void = { _, _ in }
    ) throws -> Report {
        let metadata = GGUFModelMetadata(model: model, output: output, name: name)
        let vocabulary = try GGUFVocabularyMetadata(model: model)
        let choice = GGUFTypeChoice(
            output: output, layers: model.configuration.numHiddenLayers,
            tiesOutput: model.settings.tiesOutput)
        var report = Report(types: [:], notes: metadata.notes + vocabulary.notes)
        var tensors: [GGUFOutputTensor] = []
        var replaced: [String: [String]] = [:]
        for (number, tensor) in model.tensors.enumerated() {
            let (type, wanted) = choice.type(of: tensor.name, shape: tensor.shape)
            if let wanted {
                replaced["\(wanted.name) by \(type.name)", default: []].append(
                    "\(tensor.name) (\(tensor.shape.last ?? 1) columns)")
            }
            tensors.append(try outputTensor(tensor, type, number: number, willWrite))
        }
        if let factors = metadata.ropeFactors {
            tensors.append(
                GGUFOutputTensor(
                    name: "rope_freqs.weight", type: .f32, shape: [factors.count], values: factors))
        }
        for tensor in tensors {
            let count = tensor.shape.reduce(1, *) / tensor.type.blockSize * tensor.type.blockBytes
            report.types[tensor.type.name, default: .init()].tensors += 1
            report.types[tensor.type.name, default: .init()].bytes += count
        }
        report.notes += replaced.sorted { $0.key < $1.key }.map { types, names in
            "Rows that no block divides: \(types) in \(names.count) tensors, the first \(names[0])."
        }
        report.notes += importanceNotes(tensors) + trainedNotes
        var writer = GGUFWriter(metadata: metadata.entries + vocabulary.entries, tensors: tensors)
        writer.threads = threads
        try writer.write(to: url)
        return report
    }

    private func outputTensor(
        _ tensor: GGUFExportModel.Tensor, _ type: GGUFTensorType, number: Int,
        _ willWrite: @escaping (Int, String) throws -> Void
    ) throws -> GGUFOutputTensor {
        let rows = GGUFTensorRows(
            tensor: tensor, checkpoint: model.checkpoint, headSize: model.settings.headSize, path: model.path)
        let checkpoint = model.checkpoint
        let last = tensor.shape.dropLast().reduce(1, *)
        var result = GGUFOutputTensor(name: tensor.name, type: type, shape: tensor.shape) { part, target in
            if part.lowerBound == 0 { try willWrite(number, tensor.name) }
            try rows.fill(part, target)
            if part.upperBound == last { checkpoint.releasePages() }
        }
        if model.trainedType == output {
            result.rounding = .trained
        } else if type.isSearched {
            result.rounding = .search(
                importance: try importance?.importance(of: tensor.name, columns: tensor.shape.last ?? 1))
        }
        return result
    }

    /// How the file is related to what the model was trained for.
    private var trainedNotes: [String] {
        guard let trained = model.trainedType else { return [] }
        return [
            trained == output
                ? "The weights are rounded as in training for \(trained.rawValue): the file holds the numbers that were trained and evaluated."
                : "The model was trained with the rounding of \(trained.rawValue), which this file does not have; --outtype "
                    + "\(trained.rawValue) gives the weights that were evaluated."
        ]
    }

    /// Which searched tensors the importance matrix says nothing of.
    private func importanceNotes(_ tensors: [GGUFOutputTensor]) -> [String] {
        guard importance != nil, model.trainedType != output else { return [] }
        let unknown = tensors.filter { $0.rounding == .search(importance: nil) }
        guard !unknown.isEmpty else { return [] }
        return [
            "The importance matrix says nothing of \(unknown.count) tensors (the first is \(unknown[0].name)); in these all errors "
                + "count the same."
        ]
    }
}
