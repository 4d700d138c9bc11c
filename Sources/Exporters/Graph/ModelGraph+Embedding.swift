import Architectures

/// The modules behind the encoder of a model for embeddings.
extension ModelGraph {
    /// True if nothing of the last layer is read but each text's first token.
    var readsFirstTokens: Bool {
        guard let embedding = configuration.embedding else {
            return !configuration.headKind.hasRowForEachToken
        }
        if case .pooling([.cls], _, _)? = embedding.stages.first { return true }
        return false
    }

    /// Adds the pooling, the dense layers and the normalization of a model for embeddings, and the output `sentence_embedding`.
    ///
    /// - Parameters:
    ///   - hidden: (B, L, H), or (B, 1, H) where only first tokens are read.
    ///   - mask: (B, L) of 1 for tokens and 0 for padding.
    ///   - embedding: The modules.
    /// - Throws: ``ExportError`` for a pooling that is not exported.
    func embed(_ hidden: GraphValue, _ mask: GraphValue, _ embedding: SentenceTransformer) throws {
        var (vectors, width) = (hidden, self.width)
        for (place, stage) in embedding.stages.enumerated() {
            switch stage {
            case .pooling(let modes, _, _):
                let parts = try modes.map { try pooled(hidden, mask, $0) }
                vectors = parts.count == 1 ? parts[0] : graph.joined(parts, in: "pooling")
                width *= modes.count
            case .dense(let dense):
                let module = "\(SentenceTransformer.layerPrefix).\(place).linear"
                vectors = try linear(vectors, module, dense.outputs, width)
                if let name = dense.activation { vectors = graph.activation(name, vectors, in: module) }
                width = dense.outputs
            case .normalize: vectors = normalized(vectors)
            }
        }
        graph.output(graph.remove(axis: 1, vectors, in: "embedding"), in: "embedding", of: model)
    }

    /// One vector for each text: (B, L, H) → (B, 1, H). Tokens are summed in float32, since float16 would round sums of many.
    func pooled(_ hidden: GraphValue, _ mask: GraphValue, _ mode: PoolingMode) throws -> GraphValue {
        let name = "pooling"
        switch mode {
        case .cls: return firstToken(hidden, in: name)
        case .mean, .meanSqrtLength, .weightedMean:
            var counts = mask
            if mode == .weightedMean {
                counts = graph.binary(.multiply, graph.cumulativeSum(mask, in: name), mask, in: name)
            }
            let weights = graph.convert(
                graph.insert(axes: [2], counts, in: name), .integers, to: .float32, in: name)
            let wide = graph.convert(hidden, .floats, to: .float32, in: name)
            let sums = graph.sum(graph.binary(.multiply, wide, weights, in: name), axis: 1, in: name)
            var divisor = graph.sum(weights, axis: 1, in: name)
            if mode == .meanSqrtLength { divisor = graph.unary(.squareRoot, divisor, in: name) }
            return graph.convert(
                graph.binary(.divide, sums, divisor, in: name), .float32, to: .floats, in: name)
        case .max, .lastToken:
            throw ExportError(
                "\(model.path): the pooling \(mode.rawValue) is not exported; mean, cls, mean_sqrt_len_tokens and weightedmean are, or use "
                    + "sentence-transformers' own export")
        }
    }

    /// Divides vectors (B, 1, D) by their lengths.
    private func normalized(_ vectors: GraphValue) -> GraphValue {
        let name = "normalize"
        let wide = graph.convert(vectors, .floats, to: .float32, in: name)
        let squares = graph.sum(graph.binary(.multiply, wide, wide, in: name), axis: 2, in: name)
        // The square of the least length that is divided by.
        let least = graph.float32s([1e-24], "normalize/least")
        let length = graph.unary(.squareRoot, graph.binary(.add, squares, least, in: name), in: name)
        return graph.convert(graph.binary(.divide, wide, length, in: name), .float32, to: .floats, in: name)
    }
}
