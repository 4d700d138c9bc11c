import Torch

extension ProjectionFit {
    /// The teacher's layer on a batch, in the student's basis where it writes to the residual stream.
    struct Targets {
        let query, key, value: Tensor
        let heads: Tensor
        /// (T, D)
        let attentionSum, attended, outputSum, output: Tensor
        let neurons: Tensor
    }

    func targets(_ original: PostNormLayer, number: Int) throws -> [Targets] {
        try passages.map { passage in
            let input = passage.teacher[number]
            let parts = try original.parts(input, passage.context)
            let projections = try original.projections(input, .float32)
            func packed(_ hidden: Tensor) throws -> Tensor { try passage.packed(hidden) }
            func projected(_ hidden: Tensor) throws -> Tensor { try basis(packed(hidden)) }
            return Targets(
                query: try packed(projections.query), key: try packed(projections.key),
                value: try packed(projections.value), heads: try packed(parts.heads),
                attentionSum: try projected(parts.attentionSum), attended: try projected(parts.attended),
                outputSum: try projected(parts.outputSum), output: try projected(parts.output),
                neurons: try packed(parts.neurons))
        }
    }

    /// The regression of what attention writes on its heads' outputs.
    func explained(_ original: PostNormLayer, _ all: [Targets]) throws -> LeastSquares {
        var fit = LeastSquares()
        for targets in all { try fit.add(targets.heads, basis(original.attentionOutput(targets.heads))) }
        return fit
    }

    func chooseHeads(_ fits: [LeastSquares]) throws -> [Int] {
        try LeastSquares.chooseGroups(
            fits, student.configuration.numAttentionHeads, size: student.configuration.headSize, ridge: ridge)
    }

    /// The heads that all layers keep where these share a position bias, which is narrowed to them; `nil` where they do not.
    func sharedHeads(_ originals: [PostNormLayer], _ layers: [Int]) throws -> [Int]? {
        let own =
            try student.encoder.parts.layers.first.map(Self.postNorm)?.attention as? DotProductAttention
        let theirs = originals.first?.attention as? DotProductAttention
        guard let bias = own?.positionBias, let original = theirs?.positionBias else { return nil }
        let heads = try chooseHeads(
            zip(originals, layers).map { try explained($0, targets($0, number: $1)) })
        try bias.table.weight.copy(
            from: original.table.weight.indexSelect(dimension: 1, Tensor(heads, device: teacher.device)))
        return heads
    }

    func fitAttention(_ layer: PostNormLayer, _ all: [Targets], heads: [Int]) throws {
        let size = student.configuration.headSize
        let dimensions = try Tensor(
            heads.flatMap { $0 * size..<($0 + 1) * size }, device: teacher.device)
        func kept(_ targets: Tensor) throws -> Tensor {
            try targets.indexSelect(dimension: 1, dimensions)
        }
        for (linear, target) in [
            (layer.attention.query, \Targets.query), (layer.attention.key, \.key),
            (layer.attention.value, \.value),
        ] {
            try fit(linear, zip(passages, all).map { ($0.student, try kept($1[keyPath: target])) })
        }
        let inputs = try passages.map {
            try $0.packed(layer.attention($0.padded($0.student), $0.context).output)
        }
        try fitSum(inputs, layer.attentionOutput, all, \.attentionSum)
        try fitNorm(layer.attentionNorm, all, \.attended)
    }

    func fitFeedForward(_ layer: PostNormLayer, _ original: PostNormLayer, _ all: [Targets]) throws {
        let kept = try Tensor(
            chooseNeurons(layer, original, all), device: teacher.device)
        try fit(
            layer.intermediate,
            zip(passages, all).map { ($0.student, try $1.neurons.indexSelect(dimension: 1, kept)) })
        let inputs = try passages.map { try layer.activation(layer.intermediate($0.student)) }
        try fitSum(inputs, layer.output, all, \.outputSum)
        try fitNorm(layer.outputNorm, all, \.output)
    }

    /// The neurons whose varying part of the output is the largest: the standard deviation after the activation, times the norm
    /// of what is kept of the output weights.
    private func chooseNeurons(_ layer: PostNormLayer, _ original: PostNormLayer, _ all: [Targets]) throws
        -> [Int]
    {
        var moments: (sum: Tensor, squares: Tensor)?
        var rows = 0
        for targets in all {
            let active = try original.activation(targets.neurons).to(.float64, .cpu)
            let (sum, squares) = (try active.sum(0), try active.square().sum(0))
            moments = try moments.map { (try $0.sum + sum, try $0.squares + squares) } ?? (sum, squares)
            rows += try active.size(0)
        }
        guard let moments else { return [] }
        let count = Double(max(1, rows))
        let variance = try (moments.squares / count - (moments.sum / count).square()).clampedBelow(0)
        let norms = try basis(original.output.weight.transposed()).norm(1).to(.float64, .cpu)
        return try largest(
            student.configuration.intermediateSize,
            of: (variance.squareRoot() * norms).array(of: Double.self))
    }

    private func fitNorm(_ norm: LayerNorm, _ all: [Targets], _ target: KeyPath<Targets, Tensor>) throws {
        var remaining = all[...]
        // In the passages' order.
        try fit(norm) { _ in remaining.removeFirst()[keyPath: target] }
    }

    /// Fits the layer that writes to the residual stream to what is missing to the teacher's sum, and adds its output to the
    /// student's hidden states.
    private func fitSum(
        _ inputs: [Tensor], _ linear: Linear, _ all: [Targets], _ sum: KeyPath<Targets, Tensor>
    ) throws {
        try fit(
            linear,
            passages.indices.map { (inputs[$0], try all[$0][keyPath: sum] - passages[$0].student) })
        for index in passages.indices {
            passages[index].student = try passages[index].student + linear(inputs[index])
        }
    }
}
