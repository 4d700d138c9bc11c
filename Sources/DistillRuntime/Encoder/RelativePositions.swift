import Architectures
import CKernels

/// What the distances of tokens add to the attention scores of a layer, as the kernels read it.
final class RelativePositions: @unchecked Sendable {
    /// Its pointers live as long as this object.
    let kernel: ck_relative_positions
    /// The factor of the scores; 0 for 1 / √D of a head of width D.
    let scale: Float
    private let owners: [AnyObject]

    private init(_ kernel: ck_relative_positions, scale: Float, owners: [AnyObject]) {
        (self.kernel, self.scale, self.owners) = (kernel, scale, owners)
    }

    /// The bias by head and distance that all layers of an MPNet share.
    static func bias(_ store: WeightStore, _ configuration: ModelConfiguration) throws -> RelativePositions {
        let (heads, reach) = (configuration.numAttentionHeads, configuration.maxLength - 1)
        let table = try store.matrix(
            MPNetNames.positionBias + ".weight", rows: MPNetNames.buckets, columns: heads)
        let values = try table.floats(columns: heads, rows: MPNetNames.buckets)
        let bias = try AlignedBuffer<Float>(count: heads * (2 * reach + 1))
        defer { withExtendedLifetime(values) {} }
        for distance in -reach...reach {
            let row = values.pointer + MPNetNames.distances(distance) * heads
            for head in 0..<heads { bias.pointer[head * (2 * reach + 1) + reach + distance] = row[head] }
        }
        var kernel = ck_relative_positions()
        kernel.reach = Int64(reach)
        kernel.bias = UnsafePointer(bias.pointer)
        return RelativePositions(kernel, scale: 0, owners: [bias])
    }

    /// The terms of a DeBERTa's layer: the projections of the distances' embeddings, computed once.
    ///
    /// - Parameters:
    ///   - distances: The embeddings; `nil` where attention does not depend on distances.
    ///   - path: The layer's path.
    static func disentangled(
        _ store: WeightStore, path: String, _ configuration: ModelConfiguration,
        _ settings: DebertaV2Settings, _ distances: DistanceEmbeddings?
    ) throws -> RelativePositions {
        let names = try configuration.family.postNormLayer()
        let terms = 1 + (settings.contentToPosition ? 1 : 0) + (settings.positionToContent ? 1 : 0)
        let scale = 1 / Float(Double(configuration.headSize * terms).squareRoot())
        var kernel = ck_relative_positions()
        guard let distances, terms > 1 else {
            return RelativePositions(kernel, scale: scale, owners: [])
        }
        var owners: [AnyObject] = [distances]
        func projected(_ name: String) throws -> UnsafePointer<Float> {
            let width = configuration.hiddenSize
            let linear = try PackedLinear(store, "\(path).\(name)", inputs: width, outputs: width)
            let rows = try linear(distances.values.pointer, rows: distances.count)
            owners.append(rows)
            return UnsafePointer(rows.pointer)
        }
        let isShared = settings.sharesProjections
        if settings.contentToPosition {
            kernel.keys = try projected(isShared ? names.key : DebertaV2Names.positionKey)
        }
        if settings.positionToContent {
            kernel.queries = try projected(isShared ? names.query : DebertaV2Names.positionQuery)
        }
        kernel.reach = Int64(distances.reach)
        kernel.rows = UnsafePointer(distances.rows.pointer)
        return RelativePositions(kernel, scale: scale, owners: owners)
    }
}

/// The embeddings of relative distances that all layers of a DeBERTa share. Shapes: S distinct distances on each side, H hidden size.
final class DistanceEmbeddings: Sendable {
    /// The number of embeddings: 2S.
    let count: Int
    /// (2S, H), normalized where the model does so.
    let values: AlignedBuffer<Float>
    /// The largest distance of two tokens of a text.
    let reach: Int
    /// The row of each distance, key − query, from -reach on.
    let rows: AlignedBuffer<Int32>

    init(
        _ store: WeightStore, _ configuration: ModelConfiguration, _ settings: DebertaV2Settings.Relative
    ) throws {
        let width = configuration.hiddenSize
        count = 2 * settings.span
        let table = try store.matrix(DebertaV2Names.distances + ".weight", rows: count, columns: width)
        values = try table.floats(columns: width, rows: count)
        if settings.isNormalised {
            let norm = try Norm(store, DebertaV2Names.distanceNorm, width: width)
            try norm.apply(to: values, rows: count, epsilon: configuration.layerNormEps)
        }
        reach = configuration.maxLength - 1
        rows = try AlignedBuffer(count: 2 * reach + 1)
        for distance in -reach...reach {
            // The settings count from the key to the query.
            rows.pointer[reach + distance] = Int32(settings.keyRow(-distance))
        }
    }
}
