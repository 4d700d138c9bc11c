import Foundation
import Torch

/// ModernBERT's layer: attention with rotary position embeddings, then a gated feed-forward network, each
/// with normalization before it and a residual connection.
///
/// Shapes: B batch, L length, H hidden size, N heads, D = H / N, I intermediate size.
struct ModernBertLayer: EncoderLayer {
    /// `nil` in the first layer, whose input is normalized already.
    private let attentionNorm: LayerNorm?
    private let queryKeyValue: Linear
    private let attentionOutput: Linear
    private let feedForwardNorm: LayerNorm
    /// H → 2 I: the activation's input, and its gate.
    private let input: Linear
    private let output: Linear
    private let activation: Activation
    private let heads: Int
    /// The number of tokens that it attends to on each side; `nil` for all.
    private let window: Int?
    private let theta: Double
    private let rotary: RotaryEmbedding
    private let attentionDropout: Dropout
    private let feedForwardDropout: Dropout

    init(
        _ root: ParameterScope, _ configuration: ModelConfiguration, _ settings: ModernBertSettings,
        index: Int, _ rotary: RotaryEmbedding
    ) throws {
        let scope = root[configuration.family.layout.layers(index)]
        let (width, inner) = (configuration.hiddenSize, configuration.intermediateSize)
        func norm(_ name: String) throws -> LayerNorm {
            try LayerNorm(
                scope[name], width: width, epsilon: configuration.layerNormEps, bias: settings.normBias)
        }
        func linear(_ name: String, _ inputs: Int, _ outputs: Int, _ bias: Bool) throws -> Linear {
            try Linear(
                scope[name], inputs: inputs, outputs: outputs, bias: bias,
                initializer: configuration.initializer)
        }
        typealias Names = ModernBertNames
        attentionNorm = index == 0 ? nil : try norm(Names.attentionNorm)
        queryKeyValue = try linear(Names.queryKeyValue, width, 3 * width, settings.attentionBias)
        attentionOutput = try linear(Names.attentionOutput, width, width, settings.attentionBias)
        feedForwardNorm = try norm(Names.feedForwardNorm)
        input = try linear(Names.input, width, 2 * inner, settings.feedForwardBias)
        output = try linear(Names.output, inner, width, settings.feedForwardBias)
        activation = Activation(configuration.hiddenAct)
        heads = configuration.numAttentionHeads
        window = settings.windows[index]
        theta = window == nil ? settings.globalTheta : settings.localTheta
        self.rotary = rotary
        attentionDropout = Dropout(configuration.attentionProbsDropoutProb)
        feedForwardDropout = Dropout(settings.feedForwardDropout)
    }

    func callAsFunction(_ x: Tensor, _ context: LayerContext) throws -> (
        output: Tensor, probabilities: Tensor?
    ) {
        let (length, width) = (try x.size(1), try x.size(2))
        let parts = try queryKeyValue(normalised(x).to(context.dtype))
            .reshaped([x.size(0), length, 3, heads, width / heads])
        func part(_ index: Int) throws -> Tensor {
            try parts.selected(dimension: 2, index: index).transposed(1, 2)
        }
        let query = try rotary(part(0), theta: theta)
        let key = try rotary(part(1), theta: theta)
        let (attendedHeads, probabilities) = try attend(
            query, key, part(2), mask: mask(length, context), attentionDropout, context)
        let joined = try attendedHeads.transposed(1, 2).reshaped(x.shape)
        let attended = try x + attentionDropout(attentionOutput(joined), context.dropout)
        let halves = try input(feedForwardNorm(attended).to(context.dtype))
        let inner = try halves.size(2) / 2
        let gated =
            try activation(halves.narrowed(dimension: 2, start: 0, length: inner))
            * halves.narrowed(dimension: 2, start: inner, length: inner)
        return (try attended + output(feedForwardDropout(gated, context.dropout)), probabilities)
    }

    /// Without the rotation, which depends on positions, not on the tokens there.
    func projections(_ x: Tensor, _ dtype: DType) throws -> AttentionProjections {
        let width = try x.size(1)
        let all = try queryKeyValue(normalised(x).to(dtype)).to(.float32)
        func part(_ index: Int) throws -> Tensor {
            try all.narrowed(dimension: 1, start: index * width, length: width)
        }
        return AttentionProjections(query: try part(0), key: try part(1), value: try part(2), heads: heads)
    }

    private func normalised(_ x: Tensor) throws -> Tensor { try attentionNorm.map { try $0(x) } ?? x }

    /// The mask of padding, and of tokens outside the window.
    private func mask(_ length: Int, _ context: LayerContext) throws -> Tensor {
        guard let window, length > window + 1 else { return context.mask }
        let device = context.mask.device
        let places = try Tensor.arange(length, device: device)
        let distance = try (places.unsqueezed(1) - places.unsqueezed(0)).absolute()
        let outside = try LayerContext.additive(distance.greater(Double(window)), context.dtype)
        // Not their sum, which would be minus infinity.
        return try context.mask.minimum(outside)
    }
}

/// Rotary position embeddings (Su et al., "RoFormer", arXiv 2104.09864): pairs of dimensions are rotated by
/// the position.
final class RotaryEmbedding {
    private let headSize: Int
    private var tables: [Double: (length: Int, cosine: Tensor, sine: Tensor)] = [:]

    init(headSize: Int) { self.headSize = headSize }

    /// (B, N, L, D) → (B, N, L, D)
    ///
    /// - Parameter theta: The base of the frequencies.
    func callAsFunction(_ x: Tensor, theta: Double) throws -> Tensor {
        let length = try x.size(2)
        let (cosine, sine) = try table(length, theta, x.device)
        let half = headSize / 2
        let wide = try x.to(.float32)
        let turned = try Tensor.concatenated(
            [
                -wide.narrowed(dimension: 3, start: half, length: half),
                wide.narrowed(dimension: 3, start: 0, length: half),
            ], dimension: 3)
        return try (wide * cosine + turned * sine).to(x.dtype)
    }

    /// (L, D) each.
    private func table(_ length: Int, _ theta: Double, _ device: Device) throws -> (Tensor, Tensor) {
        if let known = tables[theta], known.length >= length {
            return (
                try known.cosine.narrowed(dimension: 0, start: 0, length: length),
                try known.sine.narrowed(dimension: 0, start: 0, length: length)
            )
        }
        let rows = max(length, 64)
        let half = headSize / 2
        let rates = (0..<half).map { 1 / powf(Float(theta), Float(2 * $0) / Float(headSize)) }
        var cosines: [Float] = []
        var sines: [Float] = []
        for place in 0..<rows {
            let angles = rates.map { Float(place) * $0 }
            cosines += (angles + angles).map(cosf)
            sines += (angles + angles).map(sinf)
        }
        let cosine = try Tensor(cosines, shape: [rows, headSize], device: device)
        let sine = try Tensor(sines, shape: [rows, headSize], device: device)
        tables[theta] = (rows, cosine, sine)
        return try table(length, theta, device)
    }
}
