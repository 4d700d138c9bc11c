import Torch

/// One case of the fixture `ops`: how to compute its output from its inputs here.
struct OperationCase: Sendable, CustomStringConvertible {
    let name: String
    let apply: @Sendable ([Tensor]) throws -> Tensor

    init(_ name: String, _ apply: @escaping @Sendable ([Tensor]) throws -> Tensor) {
        self.name = name
        self.apply = apply
    }

    var description: String { name }
}

extension OperationCase {
    static let all = layers + activations + losses + arithmetic + indexing + shapes + reductions

    private static let layers: [OperationCase] = [
        .init("matmul") { try $0[0].matmul($0[1]) },
        .init("matmul_batched") { try $0[0].matmul($0[1]) },
        .init("matmul_broadcast") { try $0[0].matmul($0[1]) },
        .init("linear") { try $0[0].linear($0[1], bias: $0[2]) },
        .init("linear_no_bias") { try $0[0].linear($0[1]) },
        .init("embedding") { try $0[1].embedding($0[0]) },
        .init("embedding_padding") { try $0[1].embedding($0[0], paddingIndex: 0) },
        .init("layer_norm") { try $0[0].layerNorm(weight: $0[1], bias: $0[2], epsilon: 1e-12) },
        .init("layer_norm_eps") { try $0[0].layerNorm(weight: $0[1], bias: $0[2], epsilon: 0.1) },
        .init("attention") { try .attention(query: $0[0], key: $0[1], value: $0[2], mask: $0[3]) },
        .init("attention_additive") { inputs in
            // The fixture keeps the mask once, with the case that takes it as booleans.
            let keep = try Fixture("ops")("attention.input3")
            let mask = try Tensor.zeros(keep.shape)
                .maskedFill(keep.logicalNot(), -Double(Float.greatestFiniteMagnitude))
            return try .attention(query: inputs[0], key: inputs[1], value: inputs[2], mask: mask)
        },
    ]

    private static let activations: [OperationCase] = [
        .init("gelu") { try $0[0].gelu() },
        .init("gelu_tanh") { try $0[0].geluTanh() },
        .init("relu") { try $0[0].relu() },
        .init("tanh") { try $0[0].tanh() },
        .init("silu") { try $0[0].silu() },
        .init("sigmoid") { try $0[0].sigmoid() },
        .init("softmax") { try $0[0].softmax() },
        .init("softmax_dim0") { try $0[0].softmax(dimension: 0) },
        .init("log_softmax") { try $0[0].logSoftmax() },
        .init("exp") { try $0[0].exp() },
        .init("log") { try $0[0].log() },
        .init("sqrt") { try $0[0].squareRoot() },
    ]

    private static let losses: [OperationCase] = [
        .init("cross_entropy") { try $0[0].crossEntropy($0[1]) },
        .init("cross_entropy_sum") { try $0[0].crossEntropy($0[1]) * Double($0[1].count) },
        .init("cross_entropy_none") {
            let picked = try $0[0].logSoftmax().gathered(dimension: 1, try $0[1].unsqueezed(1))
            return try -picked.squeezed(1)
        },
        .init("cross_entropy_ignore") { try $0[0].crossEntropy($0[1], ignoreIndex: -100) },
        .init("kl_div_batchmean") { try $0[0].klDivergenceBatchMean(logTarget: try $0[1].log()) },
        .init("kl_div_sum") {
            try $0[0].klDivergenceBatchMean(logTarget: try $0[1].log()) * Double(try $0[0].size(0))
        },
        .init("kl_div_log_target") { try $0[0].klDivergenceBatchMean(logTarget: $0[1]) },
        .init("mse_loss") { try $0[0].meanSquaredError($0[1]) },
    ]

    private static let arithmetic: [OperationCase] = [
        .init("add") { try $0[0] + $0[1] },
        .init("subtract") { try $0[0] - $0[1] },
        .init("multiply") { try $0[0] * $0[1] },
        .init("divide") { try $0[0] / $0[1] },
        .init("where") { try .where($0[0], $0[1], $0[2]) },
        .init("masked_fill") { try $0[0].maskedFill($0[1], -1e9) },
    ]

    private static let indexing: [OperationCase] = [
        .init("gather") { try $0[0].gathered(dimension: 1, $0[1]) },
        .init("index_select") { try $0[0].indexSelect(dimension: 1, $0[1]) },
        .init("select") { try $0[0].selected(dimension: 1, index: 2) },
        .init("narrow") { try $0[0].narrowed(dimension: 1, start: 1, length: 2) },
        .init("slice") { try $0[0].sliced(dimension: 1, 1..<6, step: 2) },
        .init("cat") { try .concatenated($0, dimension: 1) },
        .init("stack") { try .stacked($0, dimension: 1) },
    ]

    private static let shapes: [OperationCase] = [
        .init("transpose") { try $0[0].transposed(1, 2) },
        .init("permute") { try $0[0].permuted([0, 2, 1, 3]) },
        .init("reshape") { try $0[0].reshaped([6, -1]) },
        .init("unsqueeze") { try $0[0].unsqueezed(1) },
        .init("squeeze") { try $0[0].squeezed(1) },
        .init("expand") { try $0[0].expanded([2, 4, 3]) },
    ]

    private static let reductions: [OperationCase] = [
        .init("sum") { try $0[0].sum() },
        .init("sum_dim") { try $0[0].sum(1) },
        .init("sum_keepdim") { try $0[0].sum(0, 2, keepDimensions: true) },
        .init("mean") { try $0[0].mean() },
        .init("mean_dim") { try $0[0].mean(-1) },
        .init("mean_keepdim") { try $0[0].mean(1, keepDimensions: true) },
        .init("max") { try $0[0].max() },
        .init("max_dim") { try $0[0].max(1) },
        .init("max_dim_indices") { try $0[0].argmax(dimension: 1) },
        .init("argmax") { try $0[0].argmax() },
        .init("cumsum") { try $0[0].cumulativeSum(dimension: 1) },
        .init("cumsum_int") { try $0[0].cumulativeSum(dimension: 1) },
        .init("norm") { try $0[0].norm() },
    ]
}
