import Architectures
import Files
import Foundation
import Safetensors
import Torch

extension AutoModel {
    /// Loads a model for embeddings: a sentence-transformers directory, or an encoder that gets modules.
    ///
    /// - Parameters:
    ///   - directory: A directory that sentence-transformers has saved, or with `modules` an encoder's.
    ///   - modules: Given the directory's own modules (`nil` for a bare encoder) and the width of a token's vector, returns those that
    ///     the model gets.
    ///   - seed: The seed of newly initialized parameters.
    ///   - device: The device of the model's parameters.
    ///   - isMapped: True to leave parameters on the CPU in the mapped file.
    ///   - instrument: A hook that observes its layers.
    ///   - change: Changes the configuration before the model is made.
    /// - Throws: `ArchitectureError`, ``TransformersError``, `SafetensorsError` or `JSONError`, which name file, field or tensor.
    public static func loadEmbedding(
        from directory: URL,
        modules: ((SentenceTransformer?, _ width: Int) throws -> SentenceTransformer)? = nil,
        seed: UInt64 = 42, device: Device = .cpu, isMapped: Bool = false,
        instrument: (any LayerHook)? = nil, change: (inout ModelConfiguration) -> Void = { _ in }
    ) throws -> (model: TransformerModel, report: LoadReport) {
        var own =
            SentenceTransformer.isDirectory(directory) || modules == nil
            ? try SentenceTransformer(contentsOf: directory) : nil
        var encoder = directory
        if case .encoder(let path)? = own?.source { encoder = URL(filePath: path) }
        // A table's sizes are found from the directory itself, wherever the table is.
        var configuration = try ModelConfiguration(contentsOf: encoder)
        if own == nil, configuration.isTable { own = SentenceTransformer(table: directory.plainPath) }
        if case .table(let path)? = own?.source { encoder = URL(filePath: path) }
        let isTable = own?.isTable ?? false
        guard configuration.isTable == isTable else {
            throw TransformersError(
                "\(directory.plainPath): \(SentenceTransformer.fileName) and config.json disagree on whether it is a static table; use "
                    + "the files that belong together")
        }
        try ChecksumManifest.verify(directory)
        let embedding = try modules?(own, configuration.hiddenSize) ?? own
        configuration.embedding = embedding
        let layout = configuration.family.layout
        let source = try CheckpointSource(directory: encoder, layout: layout)
        source.isMapped = isMapped
        source.quantization = configuration.quantization
        change(&configuration)
        let table = isTable ? try StaticTableSource(directory: encoder, base: source) : nil
        let all = EmbeddingSource(encoder: table ?? source, modules: embedding)
        let model = try make(
            configuration, source: all, seed: seed, device: device, instrument: instrument)
        if isMapped { source.releasePages() }
        let report = table?.report(for: model) ?? source.report(for: model)
        return (
            model,
            LoadReport(
                newlyInitialized: report.newlyInitialized.filter { !all.supplied.contains($0) },
                unused: report.unused)
        )
    }
}

/// The parameters of a sentence-transformers directory: the encoder's, and those of dense layers from their own files.
final class EmbeddingSource: ParameterSource {
    private let encoder: any ParameterSource
    /// The directory of each dense layer that has one, by the layer's name.
    private var folders: [String: URL] = [:]
    /// The parameters that came from dense layers' files.
    private(set) var supplied: Set<String> = []

    init(encoder: any ParameterSource, modules: SentenceTransformer?) {
        self.encoder = encoder
        for (place, stage) in (modules?.stages ?? []).enumerated() {
            if case .dense(let dense) = stage, !dense.path.isEmpty {
                folders[EmbeddingHead.layerName(place)] = URL(filePath: dense.path)
            }
        }
    }

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard name.hasPrefix(SentenceTransformer.layerPrefix + "."), let dot = name.lastIndex(of: ".") else {
            return try encoder.parameter(named: name, shape: shape, device: device)
        }
        guard let folder = folders[String(name[..<dot])] else { return nil }
        let checkpoint = try SafetensorsCheckpoint(directory: folder)
        let stored = "linear." + name[name.index(after: dot)...]
        guard let info = checkpoint.info(stored) else {
            throw TransformersError(
                "\(folder.plainPath): has no tensor '\(stored)'; copy the whole directory of the model")
        }
        guard info.shape == shape, let dtype = CheckpointSource.floatingPointTypes[info.dtype] else {
            throw TransformersError(
                "\(folder.plainPath): tensor '\(stored)' is \(info.dtype.rawValue) with the shape \(info.shape), its config.json needs "
                    + "floating point with \(shape)")
        }
        let tensor = try checkpoint.withBytes(of: stored) {
            try Tensor(bytes: $0, shape: shape, dtype: dtype)
        }
        guard try FiniteWeights.holds(tensor) else { throw FiniteWeights.error(folder.plainPath, stored) }
        supplied.insert(name)
        return try tensor.to(.float32, device)
    }

    func quantizedParameter(named name: String, shape: [Int], device: Device) throws -> QuantizedParameter? {
        guard !name.hasPrefix(SentenceTransformer.layerPrefix + ".") else { return nil }
        return try encoder.quantizedParameter(named: name, shape: shape, device: device)
    }
}

/// A student's parameters from a teacher, where both are models for embeddings: those of dense layers come from the teacher where they
/// have its shape, and start at random where the student's widths are its own.
public struct EmbeddingStudentSource: ParameterSource {
    private let base: any ParameterSource
    private let teacher: ParameterStore
    /// True if the base has dense layers too, fitted to the teacher's vectors.
    private let isFitted: Bool

    /// - Parameters:
    ///   - base: The source of the encoder's parameters.
    ///   - teacher: The teacher.
    ///   - student: The student's configuration.
    public init(_ base: any ParameterSource, teacher: TransformerModel, student: ModelConfiguration) {
        (self.base, self.teacher) = (base, teacher.parameters)
        isFitted =
            base is ProjectedTeacherSource && student.outputCount == teacher.configuration.outputCount
    }

    public func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard name.hasPrefix(SentenceTransformer.layerPrefix + ".") else {
            return try base.parameter(named: name, shape: shape, device: device)
        }
        if isFitted { return try base.parameter(named: name, shape: shape, device: device) }
        guard let tensor = teacher[name], tensor.shape == shape else { return nil }
        return try tensor.detached().clone().to(.float32, device)
    }
}
