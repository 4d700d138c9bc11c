import Foundation
import Torch

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

    /// (spans, V) The distribution of each span: that of its first token, times the probability of each token that came after it in the
    /// span. For the span's own text that is its probability by the chain rule.
    func merged() throws -> Tensor {
        let device = probabilities.device
        let first = try probabilities.indexSelect(
            dimension: 0, Tensor(spans.map { Int64($0.lowerBound) }, device: device))
        guard spans.contains(where: { $0.count > 1 }) else { return first }
        let rows = targets.count
        let came = try probabilities.gathered(
            dimension: 1, Tensor(targets, device: device).reshaped([rows, 1])
        ).clampedBelow(Self.floor).log()
        var later = [Float](repeating: 0, count: spans.count * rows)
        for (index, span) in spans.enumerated() {
            for row in span.dropFirst() { later[index * rows + row] = 1 }
        }
        let factor = try Tensor(later, shape: [spans.count, rows], device: device).matmul(came).exp()
        return try first * factor
    }
}

/// The tokens that two vocabularies share, and those that one of them has alone.
struct SharedTokens: Sendable {
    /// The student's number of each shared token, in the order of the teacher's.
    var student: [Int] = []
    /// The teacher's numbers, in rising order.
    var teacher: [Int] = []
    /// The student's other tokens.
    var studentAlone: [Int] = []
    /// The teacher's other tokens.
    var teacherAlone: [Int] = []
}

/// Losses of spans across tokenizers: (spans) each.
enum SpanLoss {
    /// Σᵢ |q₍ᵢ₎ − p₍ᵢ₎| of the probabilities in falling order, the shorter side filled with zeros (Boizard et al., arXiv 2402.12030).
    static func sorted(_ student: Tensor, _ teacher: Tensor) throws -> Tensor {
        let (own, theirs) = (try falling(student), try falling(teacher))
        let (width, other) = (try own.size(1), try theirs.size(1))
        let both = min(width, other)
        var loss = try (own.narrowed(dimension: 1, start: 0, length: both)
            - theirs.narrowed(dimension: 1, start: 0, length: both)).absolute().sum(1)
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
        let mixture = try Tensor.stacked([q + log(1 - beta), p + log(beta)]).logSumExp(0)
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

/// The order of numbers from the largest to the smallest.
enum FallingOrder {
    /// The indices of each row's numbers in falling order, rows one after another; equal numbers in the order of their indices.
    static func indices(_ values: [Float], count: Int, width: Int) -> [Int64] {
        [Int64](unsafeUninitializedCapacity: count * width) { buffer, initialized in
            let place = Buffer(start: buffer.baseAddress)
            DispatchQueue.concurrentPerform(iterations: count) { row in
                let order = values[row * width..<(row + 1) * width].indices.sorted {
                    values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1
                }
                for (position, index) in order.enumerated() {
                    (place.start! + row * width + position).initialize(to: Int64(index - row * width))
                }
            }
            initialized = count * width
        }
    }

    /// Memory of which each thread writes a part of its own.
    private struct Buffer: @unchecked Sendable {
        let start: UnsafeMutablePointer<Int64>?
    }
}
