import Torch

/// How a span's distribution is made of those of its tokens, by TRL's names.
enum SpanMerge: String, CaseIterable {
    /// That of the first token, times the probability of each token that came after it.
    case observed
    /// That of the last token, times the probability of each token that came before it: the chain rule.
    case bayesian
}

/// What a loss across tokenizers reads of one block of spans: probabilities of tokens, and which tokens came.
struct SpanSide {
    /// (R, V) The probabilities of the spans' rows.
    let probabilities: Tensor
    /// The tokens that came at these rows.
    let targets: [Int]
    /// The rows of each span.
    let spans: [Range<Int>]

    /// The least probability of a token that came, as in TRL's GOLD.
    private static let floor = 1e-8

    /// (spans, V) The distribution of each span. Of several tokens it does not sum to 1: for the span's own text it is the probability
    /// by the chain rule.
    func merged(_ merge: SpanMerge) throws -> Tensor {
        let device = probabilities.device
        let base = try probabilities.indexSelect(
            dimension: 0,
            Tensor(
                spans.map { Int64(merge == .observed ? $0.lowerBound : $0.upperBound - 1) }, device: device))
        guard spans.contains(where: { $0.count > 1 }) else { return base }
        let rows = targets.count
        let came = try probabilities.gathered(
            dimension: 1, Tensor(targets, device: device).reshaped([rows, 1])
        ).clampedBelow(Self.floor).log()
        var others = [Float](repeating: 0, count: spans.count * rows)
        for (index, span) in spans.enumerated() {
            for row in merge == .observed ? span.dropFirst() : span.dropLast() {
                others[index * rows + row] = 1
            }
        }
        let factor = try Tensor(others, shape: [spans.count, rows], device: device).matmul(came).exp()
        return try base * factor
    }
}

/// Losses of spans across tokenizers: (spans) each.
enum SpanLoss {
    /// Σᵢ |q₍ᵢ₎ − p₍ᵢ₎| of the probabilities in falling order, the shorter side filled with zeros (Boizard et al., arXiv 2402.12030).
    static func sorted(_ student: Tensor, _ teacher: Tensor) throws -> Tensor {
        let (own, theirs) = (try falling(student), try falling(teacher))
        let (width, other) = (try own.size(1), try theirs.size(1))
        let both = min(width, other)
        let difference =
            try own.narrowed(dimension: 1, start: 0, length: both)
            - theirs.narrowed(dimension: 1, start: 0, length: both)
        var loss = try difference.absolute().sum(1)
        // Beside zeros a probability is its own difference.
        if width > both {
            loss = try loss + own.narrowed(dimension: 1, start: both, length: width - both).sum(1)
        }
        if other > both {
            loss = try loss + theirs.narrowed(dimension: 1, start: both, length: other - both).sum(1)
        }
        return loss
    }

    /// The generalized Jensen-Shannon divergence of probabilities that need not sum to 1: KL(p ‖ q) at β = 0, KL(q ‖ p) at β = 1.
    static func divergence(_ student: Tensor, _ teacher: Tensor, beta: Double) throws -> Tensor {
        let floor = 1e-8
        let (q, p) = (try student.clampedBelow(floor).log(), try teacher.clampedBelow(floor).log())
        func from(_ target: Tensor, _ input: Tensor) throws -> Tensor {
            try (target.exp() * (target - input)).sum(1)
        }
        if beta == 0 { return try from(p, q) }
        if beta == 1 { return try from(q, p) }
        let mixture = try (student.clampedBelow(floor) * (1 - beta) + teacher.clampedBelow(floor) * beta)
            .log()
        return try from(p, mixture) * beta + from(q, mixture) * (1 - beta)
    }

    /// Each row's numbers in falling order, in the graph.
    private static func falling(_ rows: Tensor) throws -> Tensor {
        let (count, width) = (try rows.size(0), try rows.size(1))
        let values = try rows.detached().to(.float32, .cpu).array(of: Float.self)
        let order = FallingOrder.indices(values, count: count, width: width)
        let index = try Tensor(order, device: rows.device).reshaped([count, width])
        return try rows.gathered(dimension: 1, index)
    }
}
