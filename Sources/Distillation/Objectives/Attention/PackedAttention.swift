import Torch

/// Attention of a batch's examples, each among its own tokens, from packed projections.
///
/// Examples are padded with zeros to the longest of the batch. As a key, padding has a probability of exactly 0. As a
/// query, its scores are 0 in both models, and so their probabilities alike: nothing is added to a loss, and, as its
/// vectors are 0, nothing to a gradient. So no query needs a mask.
struct PackedAttention {
    private let offsets: [Int]
    private let lengths: [Int]
    /// (B, 1, 1 or L, L): true for a key that a query does not see, padding or a later token; `nil` where each sees all.
    private let isHidden: Tensor?

    /// - Parameters:
    ///   - offsets: Where the examples begin among the tokens, and the number of all tokens.
    ///   - device: Where the projections are.
    ///   - isCausal: True where a token sees itself and those before it alone, as in a decoder.
    init(offsets: [Int], device: Device, isCausal: Bool = false) throws {
        self.offsets = offsets
        lengths = zip(offsets, offsets.dropFirst()).map { $1 - $0 }
        let longest = lengths.max() ?? 0
        let places = try Tensor.arange(longest, device: device)
        var masks: [Tensor] = []
        if lengths.contains(where: { $0 != longest }) {
            let ends = try Tensor(lengths, shape: [lengths.count, 1, 1, 1], device: device)
            masks.append(try places.less(ends).logicalNot())
        }
        if isCausal { masks.append(try places.greater(places.reshaped([1, 1, longest, 1]))) }
        isHidden = try masks.dropFirst().reduce(masks.first) { try $0?.logicalOr($1) }
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

    /// log softmax over the keys that are seen: (B, heads, L, L).
    func logProbabilities(_ scores: Tensor) throws -> Tensor {
        // Low enough for exp to give exactly 0, yet finite, so that 0 times it is not NaN.
        try (isHidden.map { try scores.maskedFill($0, -1e9) } ?? scores).logSoftmax()
    }

    /// KL(teacher ‖ student) over the keys, mean over heads and query tokens.
    ///
    /// - Parameters:
    ///   - student: Log-probabilities (B, heads, L, L), in the graph.
    ///   - teacher: The same, detached.
    func divergence(student: Tensor, teacher: Tensor) throws -> Tensor {
        let heads = try student.size(1)
        return try (teacher.exp() * (teacher - student)).sum() / Double(heads * tokenCount)
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
