import Architectures
import CKernels

/// A model's head on its encoder, from rows of hidden states (R, H) to logits (R, C): the classifier, and for a sequence classifier a
/// dense layer with an activation before it; a ModernBERT's has a norm after that, and is the same on tokens.
final class Head: Sendable {
    /// The rows that it reads.
    enum Rows {
        /// Each text's first token, each token, or the mean of each text's tokens.
        case firstToken, tokens, mean
    }
    let rows: Rows
    private let dense: HeadLinear?
    private let activation: ActivationName
    private let norm: Norm?
    private let epsilon: Double
    private let classifier: HeadLinear

    init(_ store: WeightStore, _ configuration: ModelConfiguration) throws {
        let layout = configuration.family.layout
        let names = layout.head(configuration.headKind)
        let width = configuration.hiddenSize
        epsilon = configuration.layerNormEps
        let isTagger = configuration.headKind.hasRowForEachToken
        if configuration.family.attentionPositions == .rotary {
            let (settings, own) = (try ModernBertSettings(configuration), layout.sequenceHead)
            rows = isTagger ? .tokens : settings.pooling == .mean ? .mean : .firstToken
            dense = try HeadLinear(
                store, own.dense, inputs: width, outputs: width, hasBias: settings.classifierBias)
            activation = settings.classifierActivation
            norm = try own.norm.map { try Norm(store, $0, width: width, hasBias: settings.normBias) }
        } else {
            rows = isTagger ? .tokens : .firstToken
            dense = try names.dense.map { try HeadLinear(store, $0, inputs: width, outputs: width) }
            activation =
                try configuration.family.attentionPositions == .disentangled
                ? DebertaV2Settings(configuration).poolerActivation : layout.sequenceHead.activation
            norm = nil
        }
        classifier = try HeadLinear(
            store, names.classifier, inputs: width, outputs: configuration.labelNames.count)
    }

    func callAsFunction(_ hidden: AlignedBuffer<Float>, rows: Int) throws -> AlignedBuffer<Float> {
        guard let dense else { return try classifier(hidden, rows: rows) }
        let inner = try dense(hidden, rows: rows)
        activation.apply(to: inner)
        try norm?.apply(to: inner, rows: rows, epsilon: epsilon)
        return try classifier(inner, rows: rows)
    }
}

/// A linear layer of a head: in float32 its weight stays in the file, since few rows go through it.
final class HeadLinear: @unchecked Sendable {
    private enum Weight {
        case stored(StoredValues, bias: StoredValues)
        case packed(PackedLinear)
    }
    private let weight: Weight
    private let inputs: Int
    private let outputs: Int

    init(_ store: WeightStore, _ name: String, inputs: Int, outputs: Int, hasBias: Bool = true) throws {
        (self.inputs, self.outputs) = (inputs, outputs)
        let matrix = try store.matrix(name + ".weight", rows: outputs, columns: inputs)
        let bias =
            hasBias
            ? try store.values(name + ".bias", shape: [outputs]) : try StoredValues(zeros: outputs)
        switch matrix {
        case .float32(let values): weight = .stored(values, bias: bias)
        case .int8: weight = .packed(try PackedLinear(matrix, bias: bias, inputs: inputs, outputs: outputs))
        }
    }

    func callAsFunction(_ input: AlignedBuffer<Float>, rows: Int) throws -> AlignedBuffer<Float> {
        switch weight {
        case .packed(let linear):
            return try withExtendedLifetime(input) { try linear(input.pointer, rows: rows) }
        case .stored(let values, let bias):
            let output = try AlignedBuffer<Float>(count: rows * outputs)
            try withExtendedLifetime((input, values, bias)) {
                try require(
                    ck_rows_linear(
                        Int64(rows), Int64(inputs), Int64(outputs), input.pointer, values.pointer,
                        bias.pointer, output.pointer))
            }
            return output
        }
    }
}
