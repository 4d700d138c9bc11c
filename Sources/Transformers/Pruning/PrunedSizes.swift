/// The sizes that a pruned model is asked to have; `nil` for those that follow from the others, or are the original's.
public struct PrunedSizes: Sendable, Equatable {
    public var layers: Int?
    public var hiddenSize: Int?
    public var intermediateSize: Int?
    public var attentionHeads: Int?
    public var keyValueHeads: Int?

    public init(
        layers: Int? = nil, hiddenSize: Int? = nil, intermediateSize: Int? = nil, attentionHeads: Int? = nil,
        keyValueHeads: Int? = nil
    ) {
        (self.layers, self.hiddenSize, self.intermediateSize) = (layers, hiddenSize, intermediateSize)
        (self.attentionHeads, self.keyValueHeads) = (attentionHeads, keyValueHeads)
    }

    /// Returns the shape of a model that is cut to these sizes.
    ///
    /// - Throws: ``TransformersError`` for sizes that are no part of the original, or that `config.json` cannot say.
    public func shape(of original: ModelConfiguration) throws -> ModelShape {
        let own = original.shape
        for (option, wanted, largest) in [
            ("--layers", layers, own.layers), ("--hidden-size", hiddenSize, own.hiddenSize),
            ("--intermediate-size", intermediateSize, own.intermediateSize),
            ("--attention-heads", attentionHeads, own.attentionHeads),
            ("--key-value-heads", keyValueHeads, own.keyValueHeads),
        ] {
            guard let wanted, !(1...largest).contains(wanted) else { continue }
            throw TransformersError(
                "\(option) \(wanted): pruning keeps a part of the model, which has \(largest); choose 1 to \(largest)"
            )
        }
        var shape = own
        shape.layers = layers ?? own.layers
        shape.hiddenSize = hiddenSize ?? own.hiddenSize
        shape.intermediateSize = intermediateSize ?? own.intermediateSize
        if original.namesHeadSize {
            (shape.attentionHeads, shape.keyValueHeads) = try heads(own)
        } else {
            try setHeads(of: &shape, original)
        }
        try Self.require(shape, of: original)
        return shape
    }

    /// Heads of queries stay with the heads of keys and values that serve them: every one of these serves as many.
    private func heads(_ own: ModelShape) throws -> (Int, Int) {
        let served = own.attentionHeads / own.keyValueHeads
        guard let attentionHeads else {
            let groups = keyValueHeads ?? own.keyValueHeads
            return (groups * served, groups)
        }
        let groups =
            keyValueHeads
            ?? (attentionHeads.isMultiple(of: served) ? attentionHeads / served : own.keyValueHeads)
        guard attentionHeads.isMultiple(of: groups), attentionHeads / groups <= served else {
            throw TransformersError(
                "--attention-heads \(attentionHeads): each of \(groups) heads of keys and values serves as many heads of queries, at "
                    + "most \(served); choose a multiple of \(groups) up to \(groups * served), or give --key-value-heads"
            )
        }
        return (attentionHeads, groups)
    }

    /// Heads that fill the hidden size follow from it.
    private func setHeads(of shape: inout ModelShape, _ original: ModelConfiguration) throws {
        let (title, size) = (original.family.title, original.headSize)
        guard keyValueHeads == nil || keyValueHeads == shape.keyValueHeads else {
            throw TransformersError(
                "--key-value-heads: \(title) has no groups of heads; leave it out")
        }
        guard shape.hiddenSize.isMultiple(of: size) else {
            let below = max(1, shape.hiddenSize / size) * size
            throw TransformersError(
                "--hidden-size \(shape.hiddenSize): \(title)'s heads of \(size) fill the hidden size, so choose a multiple of \(size), "
                    + "such as \(below)")
        }
        let heads = shape.hiddenSize / size
        if let attentionHeads, attentionHeads != heads {
            throw TransformersError(
                "--attention-heads \(attentionHeads): \(title)'s heads of \(size) fill the hidden size \(shape.hiddenSize), which are "
                    + "\(heads); leave it out, or pass --hidden-size \(attentionHeads * size)")
        }
        (shape.attentionHeads, shape.keyValueHeads) = (heads, heads)
    }

    private static func require(_ shape: ModelShape, of original: ModelConfiguration) throws {
        let (family, own) = (original.family, original.shape)
        var narrowest = shape
        narrowest.layers = own.layers
        guard narrowest == own || family.axes(layer: 0) != nil else {
            throw TransformersError(
                "\(original.source): the parts of \(family.title)'s layers cannot be cut; choose --layers alone"
            )
        }
        guard shape.hiddenSize == own.hiddenSize || family.hasAllAxes else {
            throw TransformersError(
                "--hidden-size \(shape.hiddenSize): not all of \(family.title)'s parts are known by their hidden dimensions; choose "
                    + "--layers and --intermediate-size")
        }
        guard shape.hiddenSize == own.hiddenSize || original.embedding == nil else {
            throw TransformersError(
                "--hidden-size \(shape.hiddenSize): the vectors of \(original.source) have as many components as its hidden size, and "
                    + "would be others; choose --layers and --intermediate-size")
        }
    }
}
