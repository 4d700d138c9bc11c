import Safetensors

extension ONNXFamily {
    static let bert = ONNXFamily(modelType: "bert") { builder, model, dtype in
        try BertGraph(builder, model, dtype).build()
    }
}

/// BERT with its classifier (Devlin et al., arXiv 1810.04805), under transformers' names.
///
/// Inputs and output are those of transformers' own exports: `input_ids`, `attention_mask` and `token_type_ids`, int64
/// (batch, sequence), and `logits`, float32 (batch, classes).
///
/// The logits need nothing of the last layer but each example's first token, so only that is computed there.
struct BertGraph {
    private let builder: GraphBuilder
    private let model: ExportableModel
    private let dtype: ExportDType
    private let vocabulary: Int
    private let width: Int
    private let layers: Int
    private let heads: Int
    private let inner: Int
    private let positions: Int
    private let tokenTypes: Int
    private let epsilon: Double
    private let activation: String

    init(_ builder: GraphBuilder, _ model: ExportableModel, _ dtype: ExportDType) throws {
        let fields = model.fields
        self.builder = builder
        self.model = model
        self.dtype = dtype
        vocabulary = try fields.size("vocab_size", default: 30522)
        width = try fields.size("hidden_size", default: 768)
        layers = try fields.size("num_hidden_layers", default: 12)
        heads = try fields.size("num_attention_heads", default: 12)
        inner = try fields.size("intermediate_size", default: 3072)
        positions = try fields.size("max_position_embeddings", default: 512)
        tokenTypes = try fields.size("type_vocab_size", default: 2)
        epsilon = try fields.share("layer_norm_eps", default: 1e-12)
        activation = try fields.string("hidden_act", default: "gelu")
        guard width.isMultiple(of: heads) else {
            throw ExportError(
                "\(fields.file): \"hidden_size\" \(width) is not divisible by \"num_attention_heads\" \(heads)"
            )
        }
        guard try fields.string("position_embedding_type", default: "absolute") == "absolute" else {
            throw ExportError("\(fields.file): \"position_embedding_type\" must be \"absolute\"")
        }
    }

    /// Adds everything to the builder.
    func build() throws {
        let shape: [Dimension] = [.dynamic("batch"), .dynamic("sequence")]
        let ids = builder.input("input_ids", .int64, shape)
        let mask = builder.input("attention_mask", .int64, shape)
        let types = builder.input("token_type_ids", .int64, shape)

        var hidden = try embeddings(ids, types)
        let additiveMask = additiveMask(mask)
        for index in 0..<layers {
            hidden = try layer(index, hidden, additiveMask, firstOnly: index == layers - 1)
        }
        // Still (B, 1, H): the runtime makes other nodes of a product of two matrices, and those it does not fuse with
        // quantisation.
        let pooled = builder.node(
            "Tanh", [try linear(hidden, "bert.pooler.dense", width, width)], in: "bert.pooler")
        let wide = try linear(pooled, "classifier", model.labels.count, width)
        var logits = builder.node("Squeeze", [wide, builder.integers([1])], in: "classifier")
        if builder.float != .float32 {
            logits = builder.node("Cast", [logits], in: "classifier", ["to": .dtype(.float32)])
        }
        builder.output(logits, as: "logits", .float, [.dynamic("batch"), .fixed(model.labels.count)])
    }

    private func linear(
        _ x: GraphBuilder.Value, _ module: String, _ outputs: Int, _ inputs: Int
    ) throws -> GraphBuilder.Value {
        try builder.linear(x, module, shape: [outputs, inputs], of: model, dtype)
    }

    private func norm(_ x: GraphBuilder.Value, _ module: String) throws -> GraphBuilder.Value {
        try builder.layerNorm(x, module, width: width, epsilon: epsilon, of: model)
    }

    /// Word, segment and position embeddings, normalised: (B, L, H).
    private func embeddings(
        _ ids: GraphBuilder.Value, _ types: GraphBuilder.Value
    ) throws -> GraphBuilder.Value {
        let name = "bert.embeddings"
        let word = try builder.rows(
            of: name + ".word_embeddings", shape: [vocabulary, width], of: model, dtype
        ) { builder.node("Gather", [$0, ids], in: name + ".word_embeddings") }
        let segment = try builder.rows(
            of: name + ".token_type_embeddings", shape: [tokenTypes, width], of: model, dtype
        ) { builder.node("Gather", [$0, types], in: name + ".token_type_embeddings") }
        // Positions count from 0 in every row, so the table's first L rows serve all of them.
        let length = builder.node("Shape", [ids], in: name, ["start": .int(1), "end": .int(2)])
        let zero = builder.integers([0])
        let position = try builder.rows(
            of: name + ".position_embeddings", shape: [positions, width], of: model, dtype
        ) { builder.node("Slice", [$0, zero, length, zero], in: name + ".position_embeddings") }
        let sum = builder.node(
            "Add", [builder.node("Add", [word, segment], in: name), position], in: name)
        return try norm(sum, name + ".LayerNorm")
    }

    /// (B, L) of 1 and 0 → (B, 1, 1, L): 0 for tokens, the lowest number for padding.
    private func additiveMask(_ mask: GraphBuilder.Value) -> GraphBuilder.Value {
        let name = "attention_mask"
        let wide = builder.node("Unsqueeze", [mask, builder.integers([1, 2])], in: name)
        let isToken = builder.node("Cast", [wide], in: name, ["to": .dtype(.bool)])
        // Scores are float32 whatever the weights are.
        let none = builder.constant("float32/0", .floats([0], []))
        let lowest = builder.constant("float32/lowest", .floats([-Float.greatestFiniteMagnitude], []))
        return builder.node("Where", [isToken, none, lowest], in: name)
    }

    /// Attention, then a feed-forward network, each with a residual and normalised after it.
    ///
    /// - Parameter firstOnly: Whether only each example's first token is wanted: (B, 1, H).
    private func layer(
        _ index: Int, _ x: GraphBuilder.Value, _ mask: GraphBuilder.Value, firstOnly: Bool
    ) throws -> GraphBuilder.Value {
        let name = "bert.encoder.layer.\(index)"
        var residual = x
        if firstOnly {
            let (zero, one) = (builder.integers([0]), builder.integers([1]))
            residual = builder.node("Slice", [x, zero, one, one], in: name)
        }
        let context = try attention(name + ".attention.self", queries: residual, x, mask)
        let projected = try linear(context, name + ".attention.output.dense", width, width)
        let attended = try norm(
            builder.node("Add", [projected, residual], in: name + ".attention.output"),
            name + ".attention.output.LayerNorm")
        let wide = try linear(attended, name + ".intermediate.dense", inner, width)
        let active = try builder.activation(
            activation, wide, in: name + ".intermediate", file: model.fields.file)
        let narrow = try linear(active, name + ".output.dense", width, inner)
        return try norm(
            builder.node("Add", [narrow, attended], in: name + ".output"), name + ".output.LayerNorm")
    }

    /// Multi-head self-attention (Vaswani et al., arXiv 1706.03762).
    ///
    /// - Parameters:
    ///   - module: Its name.
    ///   - queries: (B, M, H), the tokens that look.
    ///   - x: (B, L, H), the tokens that are looked at.
    ///   - mask: (B, 1, 1, L), added to the scores.
    /// - Returns: (B, M, H)
    private func attention(
        _ module: String, queries: GraphBuilder.Value, _ x: GraphBuilder.Value, _ mask: GraphBuilder.Value
    ) throws -> GraphBuilder.Value {
        let size = width / heads
        let query = try linear(queries, module + ".query", width, width)
        let key = try linear(x, module + ".key", width, width)
        let value = try linear(x, module + ".value", width, width)
        func split(_ y: GraphBuilder.Value, _ part: String, _ order: [Int]) -> GraphBuilder.Value {
            let shape = builder.integers([0, 0, Int64(heads), Int64(size)])
            let wide = builder.node("Reshape", [y, shape], in: module + part)
            return builder.node("Transpose", [wide], in: module + part, ["perm": .ints(order)])
        }
        let q = split(query, ".query", [0, 2, 1, 3])
        let kTransposed = split(key, ".key", [0, 2, 3, 1])
        let v = split(value, ".value", [0, 2, 1, 3])
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
