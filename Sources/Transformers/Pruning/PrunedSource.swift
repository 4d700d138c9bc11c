import Torch

/// A pruned model's parameters: the rows and columns of an original's that a selection keeps, corrected for those that are gone.
///
/// - Matrices that write to the residual stream (the outputs of attention and of the feed-forward network) take over what can be
///   told of the missing inputs from the kept ones: with the second moments M of their inputs on the calibration texts,
///   W′ = W_kept + W_gone · M_gone,kept · M_kept,kept⁻¹, the least squares of what they wrote. Where there is a bias, moments are
///   centered, and it takes over the means.
/// - Norms over fewer hidden dimensions have their gains, and biases, corrected so that on average the kept dimensions come out as
///   before.
///
/// Inputs that were always zero change nothing by their absence: the outputs stay the same.
public struct PrunedSource: ParameterSource {
    /// The least ridge of the correction, as a fraction of the inputs' mean square; it is kept inputs / tokens where that is more.
    static let ridge = 1e-2

    private let map: TeacherLayerMap
    private let selection: PrunedSelection
    private let original: ModelConfiguration
    private let correction: PruningCorrection
    private let outside: [String: [ParameterAxis]]

    /// - Parameters:
    ///   - model: The original.
    ///   - selection: What is kept of it.
    ///   - importance: The measurements of the original by which it was selected.
    ///   - corrects: False to take the kept rows and columns as they are.
    /// - Throws: ``TransformersError`` where the original is quantized.
    public init(
        _ model: TransformerModel, _ selection: PrunedSelection, _ importance: PruningImportance,
        corrects: Bool = true
    ) throws {
        guard !model.parameters.isQuantized else {
            throw TransformersError(
                "\(model.configuration.source): is quantized, and int8 weights cannot be pruned; prune the model in floating point"
            )
        }
        original = model.configuration
        map = try TeacherLayerMap(teacher: model, layers: selection.layers)
        self.selection = selection
        correction = try PruningCorrection(model, selection, importance, isOn: corrects)
        let layout = original.family.layout
        outside = layout.axes(layout.head(original.headKind))
    }

    /// - Throws: ``TransformersError`` where what is kept of the original's parameter has another shape.
    public func parameter(named name: String, shape: [Int], device: Device) throws -> Tensor? {
        let origin = try map.origin(of: name)
        let pruned = try withNoGrad { try self.pruned(origin) }
        guard pruned.shape == shape else {
            throw TransformersError(
                "'\(name)' has the shape \(shape) in the pruned model, \(pruned.shape) is kept of '\(origin.name)' "
                    + "\(origin.tensor.shape); vocabulary, positions and labels must be the original's")
        }
        return try pruned.clone().to(.float32, device)
    }

    private func pruned(_ origin: TeacherLayerMap.Origin) throws -> Tensor {
        let axes =
            try origin.place.map { try original.layerAxes(layer: $0.layer)[$0.name] ?? [] }
            ?? outside[origin.name] ?? []
        var tensor = try correction(origin.name, origin.tensor.detached(), axes)
        for (dimension, axis) in axes.enumerated() where dimension < tensor.shape.count {
            guard let kept = selection.kept(axis), try tensor.size(dimension) != kept.count else { continue }
            tensor = try tensor.indexSelect(dimension: dimension, Tensor(kept, device: tensor.device))
        }
        return tensor
    }
}

extension ModelConfiguration {
    /// The axes of a layer's parameters; none where they are not known.
    fileprivate func layerAxes(layer: Int) throws -> [String: [ParameterAxis]] {
        family.axes(layer: layer) ?? [:]
    }
}
