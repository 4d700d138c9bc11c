import Architectures

/// A graph that is being made, with the model whose layers it gets. Shapes: B batch, L length, H hidden size.
struct ModelGraph {
    let graph: any GraphOperations
    let model: ExportableModel
    /// The type that the model is exported in.
    let dtype: ExportDType
    /// True if layer norms have a bias.
    var normsHaveBias = true

    var configuration: ModelConfiguration { model.configuration }
    var layout: ParameterLayout { configuration.family.layout }
    /// H
    var width: Int { configuration.hiddenSize }

    func linear(_ x: GraphValue, _ module: String, _ outputs: Int, _ inputs: Int) throws -> GraphValue {
        try graph.linear(x, module, shape: [outputs, inputs], of: model, dtype)
    }

    func norm(_ x: GraphValue, _ module: String, width: Int? = nil) throws -> GraphValue {
        let shape = NormShape(
            width: width ?? self.width, epsilon: configuration.layerNormEps, hasBias: normsHaveBias)
        return try graph.layerNorm(x, module, shape, of: model)
    }

    func rows(_ module: String, _ choice: RowChoice, _ count: Int, _ width: Int) throws -> GraphValue {
        try graph.rows(of: module, choice, shape: [count, width], of: model, dtype)
    }

    /// Converts a mask (B, L) of 1 and 0 to (B, 1, 1, L): 0 for tokens, the lowest number for padding.
    func additiveMask(_ mask: GraphValue) -> GraphValue {
        let name = "attention_mask"
        let wide = graph.insert(axes: [1, 2], mask, in: name)
        return graph.additive(graph.compare(wide, .isNotZero, in: name), in: name)
    }

    /// Adds the distances of queries from keys, integers (L, L): i − j.
    func distances(of ids: GraphValue) -> GraphValue {
        let name = "distances"
        let positions = graph.positions(of: ids, in: name)
        return graph.binary(
            .subtract, graph.insert(axes: [1], positions, in: name),
            graph.insert(axes: [0], positions, in: name), in: name)
    }

    /// The number of tokens at which tables of distances end, whatever a configuration allows.
    private static let mostDistances = 1 << 16

    /// Looks up a number for each distance, (L, L).
    ///
    /// - Parameter number: The number for a query this many tokens after the key.
    func table(
        of distances: GraphValue, _ name: String, _ number: (_ distance: Int) -> Int
    ) -> GraphValue {
        let last = max(0, min(configuration.maxLength, Self.mostDistances) - 1)
        let list = graph.integers((-last...last).map(number), name)
        let places = graph.binary(.add, distances, graph.integer(last), in: name)
        return graph.elements(of: list, at: places, in: name)
    }

    /// Adds the first example tokens' rows: (B, L, H) → (B, 1, H).
    func firstToken(_ x: GraphValue, in module: String) -> GraphValue {
        graph.slice(x, axis: 1, from: 0, to: 1, in: module)
    }

    /// Splits a projection into heads: (B, L, H), and the order of (B, L, N, D).
    func heads(_ x: GraphValue, _ order: [Int], in module: String) -> GraphValue {
        let sizes = [configuration.numAttentionHeads, configuration.headSize]
        return graph.transpose(graph.reshape(x, last: sizes, in: module), order, in: module)
    }

    /// Adds the weights of scores and what they choose of the values: (B, N, M, L), (B, N, L, D) → (B, M, H).
    ///
    /// - Parameters:
    ///   - scores: In the type of scores, scaled.
    ///   - mask: Added to the scores.
    ///   - values: The values.
    ///   - module: The module of attention.
    func attended(
        _ scores: GraphValue, _ mask: GraphValue, _ values: GraphValue, in module: String
    ) -> GraphValue {
        let masked = graph.binary(.add, scores, mask, in: module)
        let weights = graph.convert(
            graph.softmax(masked, in: module), .scores, to: .floats, in: module)
        let context = graph.transpose(graph.matmul(weights, values, in: module), [0, 2, 1, 3], in: module)
        return graph.reshape(context, last: [width], in: module)
    }

    /// Adds the head of a sequence classifier on rows that are still (B, 1, H), and the output.
    ///
    /// - Parameters:
    ///   - rows: The rows.
    ///   - activation: The activation after the dense layer.
    func sequenceHead(_ rows: GraphValue, _ activation: ActivationName) throws {
        // Still (B, 1, H): the runtime turns a product of two matrices into other nodes, which it does not
        // fuse with quantization.
        let logits = try classified(rows, activation)
        let module = layout.sequenceHead.classifier
        graph.output(graph.remove(axis: 1, logits, in: module), in: module, of: model)
    }

    /// Adds a head of a dense layer, an activation, perhaps a norm, and the classifier: (B, M, H) → (B, M, C).
    func classified(_ rows: GraphValue, _ activation: ActivationName) throws -> GraphValue {
        let head = layout.sequenceHead
        var hidden = graph.activation(
            activation, try linear(rows, head.dense, width, width), in: head.dense)
        if let name = head.norm { hidden = try norm(hidden, name) }
        return try linear(hidden, head.classifier, configuration.labelNames.count, width)
    }
}
