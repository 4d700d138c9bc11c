import Architectures
import Files
import Foundation
import GGUF
import JSON
import Torch

/// The parameters of a language model in a GGUF file, in float32.
final class GGUFSource: ParameterSource {
    let model: GGUFModel
    private let path: String
    private var supplied: Set<String> = []

    /// - Throws: `GGUFError` where the file is damaged, or has what is not understood.
    init(_ file: URL) throws {
        model = try GGUFModel(file: file)
        path = file.plainPath
    }

    func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        guard let found = model.tensor(named: name) else { return nil }
        guard found.shape == shape else {
            throw TransformersError(
                "\(path): tensor '\(found.info.name)' has the shape \(found.shape), the model needs \(shape); the file "
                    + "contradicts itself, so take another")
        }
        let tensor = try Tensor(found.floats(), shape: shape)
        guard try FiniteWeights.holds(tensor) else { throw FiniteWeights.error(path, found.info.name) }
        supplied.insert(name)
        return try tensor.to(device)
    }

    /// Reports the parameters that were not found, and the tensors that no model asked for.
    func report(for model: TransformerModel) -> LoadReport {
        LoadReport(
            newlyInitialized: model.parameters.names.filter { !supplied.contains($0) }.sorted(),
            unused: self.model.tensors.filter { !supplied.contains($0.name) }.map(\.info.name).sorted())
    }
}

extension AutoModel {
    /// Returns true for a GGUF file, by its name; such a file holds a language model.
    public static func isGGUF(_ file: URL) -> Bool { file.pathExtension.lowercased() == "gguf" }

    /// Loads a language model from a GGUF file. Weights that are missing there are an error: the file is meant to be whole.
    static func loadGGUF(
        _ file: URL, seed: UInt64, device: Device, instrument: (any LayerHook)?
    ) throws -> (model: TransformerModel, report: LoadReport) {
        let source = try GGUFSource(file)
        let configuration = try ModelConfiguration(json: source.model.configuration, source: file.plainPath)
        let model = try make(
            configuration, source: source, seed: seed, device: device, instrument: instrument)
        let report = source.report(for: model)
        guard let missing = report.newlyInitialized.first else { return (model, report) }
        throw TransformersError(
            "\(file.plainPath): has no tensor for '\(missing)'; the file is not complete, so take another")
    }
}
