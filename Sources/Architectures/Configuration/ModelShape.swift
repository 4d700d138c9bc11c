/// The sizes of a model that pruning changes.
public struct ModelShape: Sendable, Hashable, Codable {
    public var layers: Int
    public var hiddenSize: Int
    public var intermediateSize: Int
    public var attentionHeads: Int
    /// A decoder's heads of keys and values; an encoder has as many as heads.
    public var keyValueHeads: Int

    public init(
        layers: Int, hiddenSize: Int, intermediateSize: Int, attentionHeads: Int, keyValueHeads: Int
    ) {
        (self.layers, self.hiddenSize, self.intermediateSize) = (layers, hiddenSize, intermediateSize)
        (self.attentionHeads, self.keyValueHeads) = (attentionHeads, keyValueHeads)
    }
}

extension ModelShape: CustomStringConvertible {
    public var description: String {
        let heads =
            keyValueHeads == attentionHeads ? "\(attentionHeads)" : "\(attentionHeads)/\(keyValueHeads)"
        return "\(layers) layers, hidden \(hiddenSize), intermediate \(intermediateSize), heads \(heads)"
    }
}

extension ModelConfiguration {
    /// The sizes that pruning changes.
    public var shape: ModelShape {
        ModelShape(
            layers: numHiddenLayers, hiddenSize: hiddenSize, intermediateSize: intermediateSize,
            attentionHeads: numAttentionHeads, keyValueHeads: numKeyValueHeads)
    }

    /// True if `config.json` names the size of a head, so that their number does not follow from the hidden size.
    package var namesHeadSize: Bool { isDecoder && !family.fields.areAllHeadsAlike }

    /// The configuration of a model with some of this one's layers and smaller sizes. Heads keep their size.
    ///
    /// - Parameters:
    ///   - shape: The sizes, none above this one's.
    ///   - layers: The layers' indices here, ascending: as many as `shape` says.
    /// - Throws: ``ArchitectureError`` where a layer would compute something else at its new place, or sizes do not fit.
    package func pruned(to shape: ModelShape, layers: [Int]) throws -> ModelConfiguration {
        var smaller = self
        if layers.count < numHiddenLayers {
            if isDecoder {
                smaller = try decoder(withLayers: layers)
            } else {
                smaller.numHiddenLayers = layers.count
            }
        }
        if namesHeadSize,
            shape.hiddenSize != hiddenSize || shape.attentionHeads != numAttentionHeads
        {
            smaller.ownHeadSize = headSize
        }
        smaller.hiddenSize = shape.hiddenSize
        smaller.intermediateSize = shape.intermediateSize
        smaller.numAttentionHeads = shape.attentionHeads
        smaller.numKeyValueHeads = shape.keyValueHeads
        try smaller.validate()
        return smaller
    }
}
