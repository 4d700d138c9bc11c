import Architectures
import Foundation
import Torch

/// The cosines and sines of rotary position embeddings, by position; layers with the same settings share them.
///
/// Shapes: T tokens, N heads of size D.
final class RotaryTables {
    private let settings: RotarySettings
    private var known: (length: Int, cosine: Tensor, sine: Tensor)?

    init(_ settings: RotarySettings) { self.settings = settings }

    /// Tables of several layers, each made once.
    static func shared(_ settings: [RotarySettings]) -> [RotaryTables] {
        var made: [(RotarySettings, RotaryTables)] = []
        return settings.map { own in
            if let found = made.first(where: { $0.0 == own }) { return found.1 }
            let tables = RotaryTables(own)
            made.append((own, tables))
            return tables
        }
    }

    /// Rotates each token's heads by its position: (T, N, D) → (T, N, D).
    ///
    /// A dimension of the first half of a head is rotated together with the one half a head later.
    func callAsFunction(_ x: Tensor, _ context: DecoderContext) throws -> Tensor {
        let (cosine, sine) = try tables(context)
        let half = try x.size(2) / 2
        let wide = try x.to(.float32)
        let turned = try Tensor.concatenated(
            [
                -wide.narrowed(dimension: 2, start: half, length: half),
                wide.narrowed(dimension: 2, start: 0, length: half),
            ], dimension: 2)
        return try (wide * cosine + turned * sine).to(x.dtype)
    }

    /// (T, 1, D) each, for the tokens' positions.
    private func tables(_ context: DecoderContext) throws -> (Tensor, Tensor) {
        let length = context.longest
        if (known?.length ?? 0) < length { known = try table(max(length, 64), context.positions.device) }
        guard let known else { throw TransformersError("a batch without tokens has no positions") }
        return (
            try known.cosine.indexSelect(dimension: 0, context.positions).unsqueezed(1),
            try known.sine.indexSelect(dimension: 0, context.positions).unsqueezed(1)
        )
    }

    private func table(_ length: Int, _ device: Device) throws -> (Int, Tensor, Tensor) {
        let factor = settings.attentionFactor
        var cosines: [Float] = []
        var sines: [Float] = []
        for place in 0..<length {
            let angles = settings.frequencies.map { Float(place) * $0 }
            cosines += (angles + angles).map { cosf($0) * factor }
            sines += (angles + angles).map { sinf($0) * factor }
        }
        let shape = [length, 2 * settings.frequencies.count]
        return (
            length, try Tensor(cosines, shape: shape, device: device),
            try Tensor(sines, shape: shape, device: device)
        )
    }
}
