import Architectures
import Safetensors

/// The graph of an encoder with BERT's layers and its classifier, under transformers' names.
///
/// Inputs and output are those of transformers' own exports: `input_ids`, `attention_mask` and, where the
/// family distinguishes token types, `token_type_ids`, int64 (batch, sequence), and `logits`, float32 (batch,
/// classes), or for token classification (batch, sequence, classes).
///
/// A sequence classifier's logits need only each example's first token from the last layer, so only that is
/// computed there.
struct PostNormGraph {
    private let builder: GraphBuilder
    private let model: ExportableModel
    private let dtype: ExportDType
    private let configuration: ModelConfiguration
    private let layout: ParameterLayout
    private let names: PostNormLayerNames
    private let head: HeadNames
    private let width: Int

    /// - Throws: `ArchitectureError` where the family's layers are not like BERT's.
    init(_ builder: GraphBuilder, _ model: ExportableModel, _ dtype: ExportDType) throws {
        self.builder = builder
        self.model = model
        self.dtype = dtype
        configuration = model.configuration
        layout = configuration.family.layout
        names = try configuration.family.postNormLayer()
        head = model.head
        width = configuration.hiddenSize
    }

    /// Adds everything to the builder.
    func build() throws {
        let shape: [Dimension] = [.dynamic("batch"), .dynamic("sequence")]
        let ids = builder.input("input_ids", .int64, shape)
        let mask = builder.input("attention_mask", .int64, shape)
        // With a single token type there is no choice, and transformers' exports have no such input.
        let types = configuration.typeVocabSize > 1 ? builder.input("token_type_ids", .int64, shape) : nil

        var hidden = try embeddings(ids, types)
        let additiveMask = additiveMask(mask)
        let (layers, labels) = (configuration.numHiddenLayers, configuration.labelNames.count)
        let hasTokenRows = configuration.headKind.hasRowForEachToken
        for index in 0..<layers {
            hidden = try layer(
                index, hidden, additiveMask, firstOnly: index == layers - 1 && !hasTokenRows)
        }
        if hasTokenRows { return output(try linear(hidden, head.classifier, labels, width), shape) }
        // Still (B, 1, H): the runtime turns a product of two matrices into other nodes, which it does not
        // fuse with quantization.
        let (dense, activation) = (layout.sequenceHead.dense, layout.sequenceHead.activation)
        let pooled = builder.activation(activation, try linear(hidden, dense, width, width), in: dense)
        let wide = try linear(pooled, head.classifier, labels, width)
        output(builder.node("Squeeze", [wide, builder.integers([1])], in: head.classifier), [shape[0]])
    }

    /// - Parameter rows: The dimensions over which rows of logits are given.
    private func output(_ logits: GraphBuilder.Value, _ rows: [Dimension]) {
        var logits = logits
        if builder.float != .float32 {
            logits = builder.node("Cast", [logits], in: head.classifier, ["to": .dtype(.float32)])
        }
        builder.output(logits, as: "logits", .float, rows + [.fixed(configuration.labelNames.count)])
    }

    private func linear(
        _ x: GraphBuilder.Value, _ module: String, _ outputs: Int, _ inputs: Int
    ) throws -> GraphBuilder.Value {
        try builder.linear(x, module, shape: [outputs, inputs], of: model, dtype)
    }

    private func norm(
        _ x: GraphBuilder.Value, _ module: String, width: Int? = nil
    ) throws -> GraphBuilder.Value {
        try builder.layerNorm(
            x, module, width: width ?? self.width, epsilon: configuration.layerNormEps, of: model)
    }

    /// Adds token, token type and position embeddings, normalized and, where narrower, projected: (B, L, H).
    private func embeddings(
        _ ids: GraphBuilder.Value, _ types: GraphBuilder.Value?
    ) throws -> GraphBuilder.Value {
        let tables = layout.embeddings
        let narrow = configuration.embeddingSize
        func rows(
            _ module: String, _ count: Int, _ take: (GraphBuilder.Value) -> GraphBuilder.Value
        ) throws -> GraphBuilder.Value {
            try builder.rows(of: module, shape: [count, narrow], of: model, dtype, take)
        }
        var sum = try rows(tables.word, configuration.vocabSize) {
            builder.node("Gather", [$0, ids], in: tables.word)
        }
        if configuration.typeVocabSize > 0, let tokenType = tables.tokenType {
            // With one token type, its only row serves every token.
            let segment = try rows(tokenType, configuration.typeVocabSize) {
                builder.node("Gather", [$0, types ?? builder.integers([0])], in: tokenType)
            }
            sum = builder.node("Add", [sum, segment], in: tables.path)
        }
        if let position = tables.position {
            let padding = configuration.padTokenId
            let places =
                configuration.family.positionsFollowPadding
                ? positions(ids, after: padding, in: position) : nil
            let row = try rows(position, configuration.maxPositionEmbeddings) { table in
                guard let places else { return firstRows(of: table, as: ids, in: tables.path, position) }
                return builder.node("Gather", [table, places], in: position)
            }
            sum = builder.node("Add", [sum, row], in: tables.path)
        }
        let normalised = try norm(sum, tables.norm, width: narrow)
        guard configuration.projectsEmbeddings, let projection = tables.projection else { return normalised }
        return try linear(normalised, projection, width, narrow)
    }

    /// Positions count from 0 in every row, so the table's first L rows serve all of them.
    private func firstRows(
        of table: GraphBuilder.Value, as ids: GraphBuilder.Value, in name: String, _ module: String
    ) -> GraphBuilder.Value {
        let length = builder.node("Shape", [ids], in: name, ["start": .int(1), "end": .int(2)])
        let zero = builder.integers([0])
        return builder.node("Slice", [table, zero, length, zero], in: module)
    }

    /// Adds position ids (B, L): the padding token's id for padding, and for the others ids that count on
    /// from there.
    private func positions(
        _ ids: GraphBuilder.Value, after padding: Int, in module: String
    ) -> GraphBuilder.Value {
        let number = builder.integer(Int64(padding))
        let isPadding = builder.node("Equal", [ids, number], in: module)
        let isToken = builder.node(
            "Cast", [builder.node("Not", [isPadding], in: module)], in: module, ["to": .dtype(.int64)])
        let count = builder.node("CumSum", [isToken, builder.integer(1)], in: module)
        return builder.node(
            "Add", [builder.node("Mul", [count, isToken], in: module), number], in: module)
    }

    /// Converts a mask (B, L) of 1 and 0 to (B, 1, 1, L): 0 for tokens, the lowest number for padding.
    private func additiveMask(_ mask: GraphBuilder.Value) -> GraphBuilder.Value {
        let name = "attention_mask"
        let wide = builder.node("Unsqueeze", [mask, builder.integers([1, 2])], in: name)
        let isToken = builder.node("Cast", [wide], in: name, ["to": .dtype(.bool)])
        // Scores are float32 whatever the weights are.
        let none = builder.constant("float32/0", .floats([0], []))
        let lowest = builder.constant("float32/lowest", .floats([-Float.greatestFiniteMagnitude], []))
        return builder.node("Where", [isToken, none, lowest], in: name)
    }

    /// Adds a layer: attention, then a feed-forward network, each followed by a residual connection and
    /// normalization.
    ///
    /// - Parameter firstOnly: True if only each example's first token is wanted: (B, 1, H).
    private func layer(
        _ index: Int, _ x: GraphBuilder.Value, _ mask: GraphBuilder.Value, firstOnly: Bool
    ) throws -> GraphBuilder.Value {
        let name = layout.layers(try configuration.layerGroup(index))
        func module(_ part: KeyPath<PostNormLayerNames, String>) -> String {
            "\(name).\(names[keyPath: part])"
        }
        var residual = x
        if firstOnly {
            let (zero, one) = (builder.integers([0]), builder.integers([1]))
            residual = builder.node("Slice", [x, zero, one, one], in: name)
        }
        let context = try attention(name, queries: residual, x, mask)
        let projected = try linear(context, module(\.attentionOutput), width, width)
        let attended = try norm(
            builder.node("Add", [projected, residual], in: module(\.attentionOutput)), module(\.attentionNorm)
        )
        let inner = configuration.intermediateSize
        let wide = try linear(attended, module(\.intermediate), inner, width)
        let active = builder.activation(configuration.hiddenAct, wide, in: module(\.intermediate))
        let narrow = try linear(active, module(\.output), width, inner)
        return try norm(
            builder.node("Add", [narrow, attended], in: module(\.output)), module(\.outputNorm))
    }

    /// Adds multi-head self-attention (Vaswani et al., arXiv 1706.03762).
    ///
    /// - Parameters:
    ///   - layer: The name of the layer.
    ///   - queries: (B, M, H), the query tokens.
    ///   - x: (B, L, H), the tokens of keys and values.
    ///   - mask: (B, 1, 1, L), added to the scores.
    /// - Returns: (B, M, H)
    private func attention(
        _ layer: String, queries: GraphBuilder.Value, _ x: GraphBuilder.Value, _ mask: GraphBuilder.Value
    ) throws -> GraphBuilder.Value {
        let (heads, size) = (configuration.numAttentionHeads, configuration.headSize)
        let module = layer + ".attention"
        func projected(_ y: GraphBuilder.Value, _ part: String, _ order: [Int]) throws -> GraphBuilder.Value {
            let name = "\(layer).\(part)"
            let shape = builder.integers([0, 0, Int64(heads), Int64(size)])
            let wide = builder.node("Reshape", [try linear(y, name, width, width), shape], in: name)
            return builder.node("Transpose", [wide], in: name, ["perm": .ints(order)])
        }
        let q = try projected(queries, names.query, [0, 2, 1, 3])
        let kTransposed = try projected(x, names.key, [0, 2, 3, 1])
        let v = try projected(x, names.value, [0, 2, 1, 3])
        let product = builder.node("MatMul", [q, kTransposed], in: module)
        let factor = builder.scalar(1 / Float(size).squareRoot(), "attention_scale")
        var scores = builder.node("Mul", [product, factor], in: module)
        if builder.float != .float32 {
            scores = builder.node("Cast", [scores], in: module, ["to": .dtype(.float32)])
        }
        let masked = builder.node("Add", [scores, mask], in: module)
        var weights = builder.node("Softmax", [masked], in: module, ["axis": .int(-1)])
        if builder.float != .float32 {
            weights = builder.node("Cast", [weights], in: module, ["to": .dtype(builder.float)])
        }
        let context = builder.node(
            "Transpose", [builder.node("MatMul", [weights, v], in: module)], in: module,
            ["perm": .ints([0, 2, 1, 3])])
        return builder.node("Reshape", [context, builder.integers([0, 0, Int64(width)])], in: module)
    }
}
