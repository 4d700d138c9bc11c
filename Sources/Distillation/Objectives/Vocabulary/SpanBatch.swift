import Torch

/// What losses across tokenizers read of a batch besides the student's hidden states.
struct SpanBatch {
    /// The teacher's hidden states of its own rows, and its output layer.
    let teacher: FusedLoss.Head
    let shared: SharedTokens
    /// The tokens that came at the student's rows.
    let studentTargets: [Int]
    /// The tokens that came at the teacher's rows.
    let teacherTargets: [Int]
    /// The spans, in the order of the rows.
    var spans: [TokenSpan] = []
    /// What each span's loss counts for.
    var weights: [Float] = []

    /// The logits that a block computes of both models together.
    var blockSize = 6_000_000

    /// Σ over spans of weight × loss.
    ///
    /// The student's and the teacher's distributions are computed for a block of spans at a time, and with them the gradients, so that
    /// memory does not depend on the number of tokens.
    ///
    /// - Parameters:
    ///   - hidden: (R, H) The student's last hidden states, in the graph.
    ///   - weight: (V, H) Its output layer, in the graph.
    ///   - dtype: The type that matrices are multiplied in.
    ///   - temperature: Divides the logits.
    ///   - merge: How a span's distribution is made.
    ///   - body: The loss of each span, of both sides' probabilities.
    func loss(
        _ hidden: Tensor, _ weight: Tensor, dtype: DType, temperature: Double, merge: SpanMerge,
        _ body: (_ student: Tensor, _ teacher: Tensor) throws -> Tensor
    ) throws -> Tensor {
        let leaves = (hidden: try hidden.detached(), weight: try weight.detached())
        if isGradEnabled {
            try leaves.hidden.setRequiresGrad(hidden.requiresGrad)
            try leaves.weight.setRequiresGrad(weight.requiresGrad)
        }
        let table = try teacher.weight.to(dtype)
        var value: Tensor?
        for block in try blocks(weight.size(0)) {
            let own = try side(
                block, \.student, studentTargets, leaves.hidden, leaves.weight, dtype, temperature
            ).merged(merge)
            let theirs = try withNoGrad {
                try side(
                    block, \.teacher, teacherTargets, teacher.hidden, table, dtype,
                    temperature
                ).merged(merge)
            }
            let weights = try Tensor(Array(self.weights[block]), device: hidden.device)
            let loss = try (body(own, theirs) * weights).sum()
            value = try value.map { try $0 + loss.detached() } ?? loss.detached()
            if loss.requiresGrad { try loss.backward() }
        }
        return try Self.carrying(value, [(hidden, leaves.hidden), (weight, leaves.weight)])
    }

    /// A scalar of this value whose gradients are those of the leaves.
    private static func carrying(_ value: Tensor?, _ pairs: [(Tensor, leaf: Tensor)]) throws -> Tensor {
        var sum = try pairs[0].0.zeroInGraph()
        for (tensor, leaf) in pairs {
            guard let gradient = try leaf.gradient else { continue }
            sum = try sum + (tensor * gradient).to(.float32).sum()
        }
        guard let value else { return sum }
        return try sum - sum.detached() + value
    }

    /// One side's spans of a block.
    private func side(
        _ block: Range<Int>, _ rows: KeyPath<TokenSpan, Range<Int>>, _ targets: [Int], _ hidden: Tensor,
        _ weight: Tensor, _ dtype: DType, _ temperature: Double
    ) throws -> SpanSide {
        let own = spans[block].map { $0[keyPath: rows] }
        let all = own.flatMap { Array($0) }
        var first = 0
        let places = own.map { span in
            defer { first += span.count }
            return first..<first + span.count
        }
        let index = try Tensor(all.map(Int64.init), device: hidden.device)
        let states = try hidden.indexSelect(dimension: 0, index).to(dtype)
        let logits = try states.linear(weight.to(dtype)).to(.float32)
        return SpanSide(
            probabilities: try (logits / temperature).softmax(), targets: all.map { targets[$0] },
            spans: places)
    }

    /// Parts of the spans whose logits fit into a block.
    private func blocks(_ vocabulary: Int) throws -> [Range<Int>] {
        let (own, theirs) = (vocabulary, try teacher.weight.size(0))
        var (blocks, start, size) = ([Range<Int>](), 0, 0)
        for (index, span) in spans.enumerated() {
            let next = span.student.count * own + span.teacher.count * theirs
            if size + next > blockSize, index > start {
                blocks.append(start..<index)
                (start, size) = (index, 0)
            }
            size += next
        }
        if start < spans.count { blocks.append(start..<spans.count) }
        return blocks
    }
}
