import Torch

/// Attention of a batch's examples, each among its own tokens, from projections that stand packed.
///
/// Examples are padded to the longest of the batch. Padding has a probability of exactly 0 as a key, no weight as a
/// query, and scores of exactly 0 on both models' sides, so that it adds nothing to a loss nor to a gradient.
struct PackedAttention {
    private let offsets: [Int]
    private let lengths: [Int]
    /// (B, 1, 1, L): true for padding; `nil` where all examples are equally long.
    private let isPadding: Tensor?
    /// (B, 1, L, 1): 1 for tokens, 0 for padding.
    private let isToken: Tensor?

    /// - Parameters:
    ///   - offsets: Where the examples begin among the tokens, and the number of all tokens.
    ///   - device: Where the projections are.
    init(offsets: [Int], device: Device) throws {
        self.offsets = offsets
        lengths = zip(offsets, offsets.dropFirst()).map { $1 - $0 }
        guard let longest = lengths.max(), lengths.contains(where: { $0 != longest }) else {
            (isPadding, isToken) = (nil, nil)
            return
        }
        let count = lengths.count
        let ends = try Tensor(lengths, shape: [count, 1], device: device)
        let tokens = try Tensor.arange(longest, device: device).less(ends)
        isPadding = try tokens.logicalNot().reshaped([count, 1, 1, longest])
        isToken = try tokens.to(.float32).reshaped([count, 1, longest, 1])
    }

    /// The number of all tokens T.
    var tokenCount: Int { lengths.reduce(0, +) }

    /// The number of pairs of tokens of the same example.
    var pairCount: Int { lengths.reduce(0) { $0 + $1 * $1 } }

    /// Splits packed vectors into heads: (T, H) → (B, heads, L, H / heads), 0 at padding.
    func heads(_ packed: Tensor, _ count: Int) throws -> Tensor {
        let padded = try packed.padded(offsets: offsets)
        let shape = padded.shape
        return try padded.reshaped([shape[0], shape[1], count, shape[2] / count]).transposed(1, 2)
    }

    /// a · bᵀ / √d of each head: (T, H) twice → (B, heads, L, L), 0 where either is padding.
    func scores(_ a: Tensor, _ b: Tensor, heads count: Int) throws -> Tensor {
        let width = try Double(a.size(-1) / count)
        let rows = try heads(a * (1 / width.squareRoot()), count)
        return try rows.matmul(heads(b, count).transposed())
    }

    /// log softmax over the keys that are tokens: (B, heads, L, L).
    func logProbabilities(_ scores: Tensor) throws -> Tensor {
        // So low that exp gives exactly 0, and yet finite: 0 times it is no NaN.
        try (isPadding.map { try scores.maskedFill($0, -1e9) } ?? scores).logSoftmax()
    }

    /// KL(teacher ‖ student) over the keys, mean over heads and the tokens that ask.
    ///
    /// - Parameters:
    ///   - student: Log-probabilities (B, heads, L, L), in the graph.
    ///   - teacher: The same, out of any graph.
    func divergence(student: Tensor, teacher: Tensor) throws -> Tensor {
        var probabilities = try teacher.exp()
        if let isToken { probabilities = try probabilities * isToken }
        let heads = try student.size(1)
        return try (probabilities * (teacher - student)).sum() / Double(heads * tokenCount)
    }
}

extension PackedAttention {
    /// The divergence of softmax(a · bᵀ / √d) of two models' projections.
    ///
    /// - Parameters:
    ///   - student: Two of the student's projections, (T, H) each.
    ///   - teacher: The same two of the teacher's, of any width.
    ///   - heads: The number of heads that both are split into.
    func divergence(
        student: (Tensor, Tensor), teacher: (Tensor, Tensor), heads: Int
    ) throws -> Tensor {
        let target = try withNoGrad {
            try logProbabilities(scores(teacher.0, teacher.1, heads: heads))
        }
        return try divergence(
            student: logProbabilities(scores(student.0, student.1, heads: heads)), teacher: target)
    }
}
