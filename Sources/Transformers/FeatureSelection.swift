import Torch

/// The features that a forward pass keeps besides the logits.
///
/// Hidden states are counted as transformers counts them: 0 is the output of the embeddings, k the output of
/// layer k − 1. Layers of projections are counted from 0.
public struct FeatureSelection: Sendable, Equatable {
    public var hiddenStates: Set<Int>
    public var projections: Set<Int>

    public init(hiddenStates: Set<Int> = [], projections: Set<Int> = []) {
        self.hiddenStates = hiddenStates
        self.projections = projections
    }

    public var isEmpty: Bool { hiddenStates.isEmpty && projections.isEmpty }

    /// - Throws: ``TransformersError`` for a layer that a model with this many layers does not have.
    func validate(layers: Int) throws {
        if let wrong = hiddenStates.first(where: { !(0...layers).contains($0) }) {
            throw TransformersError(
                "there is no hidden state \(wrong); the model's \(layers) layers have 0 to \(layers)")
        }
        if let wrong = projections.first(where: { !(0..<layers).contains($0) }) {
            throw TransformersError("there is no layer \(wrong); the model has 0 to \(layers - 1)")
        }
    }
}

extension FeatureSelection {
    func needsState(_ number: Int) -> Bool { hiddenStates.contains(number) }
}

/// Collects the selected features while the layers run.
struct FeatureCollector {
    private let selection: FeatureSelection
    private var hiddenStates: [Int: Tensor] = [:]
    private var projections: [Int: AttentionProjections] = [:]

    init(_ selection: FeatureSelection) { self.selection = selection }

    mutating func add(_ hidden: Tensor, number: Int) {
        if selection.needsState(number) { hiddenStates[number] = hidden }
    }

    /// Keeps a layer's projections of its input (T, H).
    mutating func add(_ layer: any EncoderLayer, _ index: Int, input: Tensor, _ dtype: DType) throws {
        guard selection.projections.contains(index) else { return }
        projections[index] = try layer.projections(input, dtype)
    }

    mutating func add(_ projections: AttentionProjections, layer: Int) {
        self.projections[layer] = projections
    }

    /// Returns the collected features, with the rows that the head reads.
    func output(_ rows: Tensor) -> BackboneOutput {
        BackboneOutput(rows: rows, hiddenStates: hiddenStates, projections: projections)
    }
}
