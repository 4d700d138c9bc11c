import Torch

extension FailingCall {
    static let all = products + layers + losses + elementwise + shapes + indexing + reductions + values

    private static func zeros(_ shape: Int..., dtype: DType = .float32) throws -> Tensor {
        try Tensor.zeros(shape, dtype: dtype)
    }

    private static let products: [FailingCall] = [
        .init("matmul, inner sizes", "matmul(float32[2, 3], float32[4, 5])") {
            _ = try zeros(2, 3).matmul(try zeros(4, 5))
        },
        .init("matmul, batch sizes", "matmul(float32[2, 3, 4], float32[5, 4, 3])") {
            _ = try zeros(2, 3, 4).matmul(try zeros(5, 4, 3))
        },
        .init("matmul, types", "matmul(float32[2, 2], int64[2, 2])") {
            _ = try zeros(2, 2).matmul(try zeros(2, 2, dtype: .int64))
        },
        .init("matmul, scalar", "matmul(float32[], float32[2])") {
            _ = try zeros().matmul(try zeros(2))
        },
    ]

    private static let layers: [FailingCall] = [
        .init("linear, inputs", "linear(float32[2, 3], float32[5, 4]") {
            _ = try zeros(2, 3).linear(try zeros(5, 4))
        },
        .init("linear, bias", "linear(float32[2, 3], float32[5, 3], float32[4])") {
            _ = try zeros(2, 3).linear(try zeros(5, 3), bias: try zeros(4))
        },
        .init("linear, types", "linear(float32[2, 3], float64[5, 3])") {
            _ = try zeros(2, 3).linear(try zeros(5, 3, dtype: .float64))
        },
        .init("embedding, float indices", "embedding(float32[7, 4], float32[2])") {
            _ = try zeros(7, 4).embedding(try zeros(2))
        },
        .init("embedding, index too large", "embedding(float32[7, 4], int64[1])", "out of range") {
            _ = try zeros(7, 4).embedding(try Tensor([7] as [Int]))
        },
        .init("embedding, negative index", "embedding(float32[7, 4], int64[1])", "out of range") {
            _ = try zeros(7, 4).embedding(try Tensor([-1] as [Int]))
        },
        .init("embedding, table of rank 1", "embedding(float32[7], int64[1])") {
            _ = try zeros(7).embedding(try Tensor([0] as [Int]))
        },
        .init("layer_norm, width", "layer_norm(float32[2, 3], float32[4], float32[4])") {
            _ = try zeros(2, 3).layerNorm(weight: try zeros(4), bias: try zeros(4), epsilon: 1e-5)
        },
        .init("layer_norm, bias", "layer_norm(float32[2, 3], float32[3], float32[4])") {
            _ = try zeros(2, 3).layerNorm(weight: try zeros(3), bias: try zeros(4), epsilon: 1e-5)
        },
        .init("attention, widths", "scaled_dot_product_attention(float32[1, 2, 3, 4], float32[1, 2, 3, 5]") {
            _ = try Tensor.attention(
                query: zeros(1, 2, 3, 4), key: zeros(1, 2, 3, 5), value: zeros(1, 2, 3, 5), mask: nil)
        },
        .init("attention, mask", "scaled_dot_product_attention(", "bool[1, 1, 1, 7])") {
            let x = try zeros(1, 2, 3, 4)
            _ = try Tensor.attention(
                query: x, key: x, value: x, mask: try zeros(1, 1, 1, 7, dtype: .bool))
        },
        .init("softmax of integers", "softmax(int64[2, 3])") {
            _ = try zeros(2, 3, dtype: .int64).softmax()
        },
        .init("log_softmax, dimension", "log_softmax(float32[2, 3])") {
            _ = try zeros(2, 3).logSoftmax(dimension: -3)
        },
        .init("gelu of integers", "gelu(int64[2])") { _ = try zeros(2, dtype: .int64).gelu() },
        .init("dropout of integers", "dropout(int64[2])") {
            _ = try zeros(2, dtype: .int64).dropout(probability: 0.5, seed: 0, offset: 0)
        },
    ]

    private static let losses: [FailingCall] = [
        .init("cross_entropy, batch", "cross_entropy(float32[2, 3], int64[4])") {
            _ = try zeros(2, 3).crossEntropy(try zeros(4, dtype: .int64))
        },
        .init("cross_entropy, label", "cross_entropy(float32[2, 3], int64[2])", "out of bounds") {
            _ = try zeros(2, 3).crossEntropy(try Tensor([0, 3] as [Int]))
        },
        .init("cross_entropy, negative label", "cross_entropy(float32[2, 3], int64[2])", "out of bounds") {
            _ = try zeros(2, 3).crossEntropy(try Tensor([0, -1] as [Int]))
        },
        .init("cross_entropy, label type", "cross_entropy(float32[2, 3], float32[2])") {
            _ = try zeros(2, 3).crossEntropy(try zeros(2))
        },
        .init("cross_entropy, class weights", "cross_entropy(float32[2, 3], int64[2], float32[4])") {
            _ = try zeros(2, 3).crossEntropy(try zeros(2, dtype: .int64), classWeights: try zeros(4))
        },
        .init("kl_div, shapes", "kl_div(float32[2, 3], float32[2, 4])", "shapes differ") {
            _ = try zeros(2, 3).klDivergenceBatchMean(logTarget: try zeros(2, 4))
        },
        .init("kl_div, rank", "kl_div(float32[3], float32[3])", "(batch, classes)") {
            _ = try zeros(3).klDivergenceBatchMean(logTarget: try zeros(3))
        },
        // PyTorch would broadcast and warn.
        .init("mse_loss, shapes", "mse_loss(float32[2, 3], float32[3])", "shapes differ") {
            _ = try zeros(2, 3).meanSquaredError(try zeros(3))
        },
    ]

    private static let elementwise: [FailingCall] = [
        .init("add", "add(float32[2, 3], float32[4])") { _ = try zeros(2, 3) + zeros(4) },
        .init("sub", "sub(float32[2, 3], float32[4])") { _ = try zeros(2, 3) - zeros(4) },
        .init("mul", "mul(float32[2, 3], float32[4])") { _ = try zeros(2, 3) * zeros(4) },
        .init("div", "div(float32[2, 3], float32[4])") { _ = try zeros(2, 3) / zeros(4) },
        .init("pow", "pow(float32[2, 3], float32[4])") { _ = try zeros(2, 3).power(try zeros(4)) },
        .init("maximum", "maximum(float32[2, 3], float32[4])") { _ = try zeros(2, 3).maximum(try zeros(4)) },
        .init("minimum", "minimum(float32[2, 3], float32[4])") { _ = try zeros(2, 3).minimum(try zeros(4)) },
        .init("eq", "eq(float32[2, 3], float32[4])") { _ = try zeros(2, 3).equal(try zeros(4)) },
        .init("ne", "ne(float32[2, 3], float32[4])") { _ = try zeros(2, 3).notEqual(try zeros(4)) },
        .init("lt", "lt(float32[2, 3], float32[4])") { _ = try zeros(2, 3).less(try zeros(4)) },
        .init("gt", "gt(float32[2, 3], float32[4])") { _ = try zeros(2, 3).greater(try zeros(4)) },
        .init("logical_and", "logical_and(float32[2, 3], float32[4])") {
            _ = try zeros(2, 3).logicalAnd(try zeros(4))
        },
        .init("logical_or", "logical_or(float32[2, 3], float32[4])") {
            _ = try zeros(2, 3).logicalOr(try zeros(4))
        },
        .init("sub of booleans", "sub(bool[2], bool[2])") {
            _ = try zeros(2, dtype: .bool) - zeros(2, dtype: .bool)
        },
        .init("neg of booleans", "neg(bool[2])") { _ = try -zeros(2, dtype: .bool) },
        .init("where", "where(bool[2], float32[2], float32[3])") {
            _ = try Tensor.where(zeros(2, dtype: .bool), zeros(2), zeros(3))
        },
        .init("masked_fill, shape", "masked_fill(float32[2, 3], bool[4])") {
            _ = try zeros(2, 3).maskedFill(try zeros(4, dtype: .bool), 0)
        },
        .init("masked_fill, type", "masked_fill(float32[2], float32[2])") {
            _ = try zeros(2).maskedFill(try zeros(2), 0)
        },
    ]

    private static let shapes: [FailingCall] = [
        .init("reshape", "reshape(float32[2, 3])", "[4, 2]") { _ = try zeros(2, 3).reshaped([4, 2]) },
        .init("reshape, two unknowns", "reshape(float32[2, 3])") { _ = try zeros(2, 3).reshaped([-1, -1]) },
        .init("expand", "expand(float32[2, 3])", "[2, 4]") { _ = try zeros(2, 3).expanded([2, 4]) },
        .init("permute", "permute(float32[2, 3])") { _ = try zeros(2, 3).permuted([0, 0]) },
        .init("transpose", "transpose(float32[2, 3])") { _ = try zeros(2, 3).transposed(0, 2) },
        .init("squeeze", "squeeze(float32[2, 3])") { _ = try zeros(2, 3).squeezed(2) },
        .init("unsqueeze", "unsqueeze(float32[2, 3])") { _ = try zeros(2, 3).unsqueezed(4) },
        .init("cat, sizes", "cat(float32[2, 3], float32[2, 4])") {
            _ = try Tensor.concatenated([try zeros(2, 3), try zeros(2, 4)])
        },
        .init("cat of nothing", "cat()") { _ = try Tensor.concatenated([]) },
        .init("stack, sizes", "stack(float32[2, 3], float32[2, 4])") {
            _ = try Tensor.stacked([try zeros(2, 3), try zeros(2, 4)])
        },
        .init("stack of nothing", "stack()") { _ = try Tensor.stacked([]) },
    ]

    private static let indexing: [FailingCall] = [
        .init("select", "select(float32[2, 3])") { _ = try zeros(2, 3).selected(dimension: 1, index: 3) },
        .init("select of a scalar", "select(float32[])") { _ = try zeros()[0] },
        .init("narrow", "narrow(float32[2, 3])") {
            _ = try zeros(2, 3).narrowed(dimension: 1, start: 2, length: 2)
        },
        .init("narrow, extreme", "narrow(float32[2, 3])") {
            _ = try zeros(2, 3).narrowed(dimension: 1, start: 1, length: .max)
        },
        .init("slice, step", "slice(float32[2, 3])") {
            _ = try zeros(2, 3).sliced(dimension: 1, 0..<3, step: 0)
        },
        .init("slice, dimension", "slice(float32[2, 3])") { _ = try zeros(2, 3).sliced(dimension: 2, 0..<3) },
        .init("gather, index", "gather(float32[2, 3], int64[2, 1])") {
            _ = try zeros(2, 3).gathered(dimension: 1, try Tensor([0, 3] as [Int], shape: [2, 1]))
        },
        .init("gather, rank", "gather(float32[2, 3], int64[2])") {
            _ = try zeros(2, 3).gathered(dimension: 1, try zeros(2, dtype: .int64))
        },
        .init("index_select, index", "index_select(float32[2, 3], int64[1])") {
            _ = try zeros(2, 3).indexSelect(dimension: 0, try Tensor([2] as [Int]))
        },
        .init("index_select, type", "index_select(float32[2, 3], float32[1])") {
            _ = try zeros(2, 3).indexSelect(dimension: 0, try zeros(1))
        },
    ]

    private static let reductions: [FailingCall] = [
        .init("sum", "sum(float32[2, 3])") { _ = try zeros(2, 3).sum(2) },
        .init("sum, dimension twice", "sum(float32[2, 3])") { _ = try zeros(2, 3).sum(0, 0) },
        .init("mean of integers", "mean(int64[2])") { _ = try zeros(2, dtype: .int64).mean() },
        .init("amax of nothing", "amax(float32[0])") { _ = try zeros(0).max() },
        .init("amin of nothing", "amin(float32[2, 0])") { _ = try zeros(2, 0).min(1) },
        .init("logsumexp", "logsumexp(float32[2, 3])") { _ = try zeros(2, 3).logSumExp(5) },
        .init("norm", "norm(float32[2, 3])") { _ = try zeros(2, 3).norm(-3) },
        .init("argmax of nothing", "argmax(float32[0])") { _ = try zeros(0).argmax() },
        .init("cumsum", "cumsum(float32[2, 3])") { _ = try zeros(2, 3).cumulativeSum(dimension: 2) },
    ]

    private static let values: [FailingCall] = [
        .init("item of several", "item(float32[2, 3])") { _ = try zeros(2, 3).item() },
        .init("too few elements", "from_bytes", "[2, 3]", "needs 24 bytes, got 20") {
            _ = try Tensor([1, 2, 3, 4, 5] as [Float], shape: [2, 3])
        },
        .init("bytes of another type", "from_bytes", "[2]", "needs 16 bytes, got 8") {
            let bytes = [UInt8](repeating: 0, count: 8)
            _ = try bytes.withUnsafeBytes { try Tensor(bytes: $0, shape: [2], dtype: .float64) }
        },
        .init("negative size", "from_bytes", "-1") { _ = try Tensor([1] as [Float], shape: [-1]) },
        .init("negative size of zeros", "full", "-1") { _ = try Tensor.zeros([-1]) },
        .init("range below zero", "arange") { _ = try Tensor.arange(-1) },
        .init("negative deviation", "normal") { _ = try Tensor.normal([2], standardDeviation: -1, seed: 0) },
        .init("uniform bounds", "uniform") { _ = try Tensor.uniform([2], low: 1, high: 0, seed: 0) },
        .init("copy of another shape", "copy_(float32[2, 3], float32[3])") {
            try zeros(2, 3).copy(from: try zeros(3))
        },
        .init("gradient of integers", "requires_grad_(int64[2])") {
            try zeros(2, dtype: .int64).setRequiresGrad(true)
        },
        .init("backward without a graph", "backward(float32[])") { try zeros().backward() },
    ]
}
