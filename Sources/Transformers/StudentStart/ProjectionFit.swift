import Torch

/// The fit of a narrower student to its teacher on some texts: see ``ProjectedTeacherSource``.
///
/// Shapes: T tokens of a batch, H the teacher's hidden size, D the student's.
final class ProjectionFit {
    /// A batch of texts on its way through both models.
    struct Passage {
        let input: PackedInput
        let context: LayerContext
        /// (T) int64: the tokens' places in the padded batch.
        let places: Tensor
        /// (B, L, H): the teacher's hidden states before each of its layers, and after the last.
        var teacher: [Tensor] = []
        /// (T, D): the student's hidden state so far.
        var student: Tensor

        /// (B, L, W) → (T, W)
        func packed(_ hidden: Tensor) throws -> Tensor {
            try hidden.reshaped([-1, hidden.size(2)]).indexSelect(dimension: 0, places)
        }

        /// (T, W) → (B, L, W)
        func padded(_ hidden: Tensor) throws -> Tensor { try hidden.padded(offsets: input.offsets) }
    }

    let teacher: TransformerModel
    let student: TransformerModel
    let basis: ProjectionBasis
    var passages: [Passage] = []

    /// The penalty of the regressions, as a fraction of their inputs' mean variance.
    let ridge: Double
    /// The penalty for the head's layers, which have a row for each text where the others have one for each token.
    var headRidge: Double { 10 * ridge }

    init(
        teacher: TransformerModel, student: TransformerModel, texts: [PackedInput], ridge: Double = 1e-3
    ) throws {
        self.ridge = ridge
        self.teacher = teacher
        self.student = student
        var moment: Tensor?
        for input in texts {
            let batch = try ModelInput(
                input, paddingID: teacher.configuration.padTokenId, device: teacher.device)
            let context = try LayerContext(
                attentionMask: batch.attentionMask, dtype: .float32, dropout: nil)
            var passage = Passage(
                input: input, context: context, places: try input.places(device: teacher.device),
                student: try Tensor([Float](), shape: [0]))
            var hidden = try teacher.encoder.parts.embeddings(batch, nil)
            func add(_ hidden: Tensor) throws {
                let rows = try passage.packed(hidden).to(.float64, .cpu)
                let more = try rows.transposed().matmul(rows)
                moment = try moment.map { try $0 + more } ?? more
            }
            try add(hidden)
            for layer in try teacher.encoder.parts.layers {
                passage.teacher.append(hidden)
                let parts = try Self.postNorm(layer).parts(hidden, context)
                try add(parts.attended)
                try add(parts.output)
                hidden = parts.output
            }
            passage.teacher.append(hidden)
            passages.append(passage)
        }
        guard let moment else {
            throw TransformersError("there are no texts to fit the student to its teacher on")
        }
        basis = try ProjectionBasis(
            moment: moment, width: student.configuration.hiddenSize, device: teacher.device)
    }

    /// Fits all of the student's parameters in place, from the embeddings to the head.
    ///
    /// - Parameter layers: For each of the student's layers, the teacher's.
    func run(layers: [Int]) throws {
        try fitEmbeddings()
        let originals = try layers.map { try Self.postNorm(teacher.encoder.parts.layers[$0]) }
        let heads = try sharedHeads(originals, layers)
        for (place, own) in try student.encoder.parts.layers.enumerated() {
            let targets = try self.targets(originals[place], number: layers[place])
            let own = try Self.postNorm(own)
            try fitAttention(
                own, targets, heads: heads ?? chooseHeads([explained(originals[place], targets)]))
            try fitFeedForward(own, originals[place], targets)
        }
        try fitHead()
    }

    static func postNorm(_ layer: any EncoderLayer) throws -> PostNormLayer {
        guard let layer = layer as? PostNormLayer else {
            throw TransformersError("a layer is not normalized after each part, as BERT's are")
        }
        return layer
    }

    /// Fits a norm of the student's hidden states to targets (T, D), and normalizes them.
    func fit(_ norm: LayerNorm, to targets: (Passage) throws -> Tensor) throws {
        var fit = NormFit()
        let plain = try LayerNorm(
            width: student.configuration.hiddenSize, epsilon: norm.epsilon, device: student.device)
        for passage in passages { try fit.add(plain(passage.student), targets(passage)) }
        let (weight, bias) = try fit.solve()
        try norm.weight.copy(from: weight.to(.float32))
        try norm.bias.copy(from: bias.to(.float32))
        for index in passages.indices { passages[index].student = try norm(passages[index].student) }
    }

    /// - Parameter ridge: The penalty; `nil` for that of layers.
    func fit(_ linear: Linear, _ rows: [(inputs: Tensor, targets: Tensor)], ridge: Double? = nil)
        throws
    {
        var fit = LeastSquares()
        for (inputs, targets) in rows { try fit.add(inputs, targets) }
        let (weight, bias) = try fit.solve(ridge: ridge ?? self.ridge)
        try linear.weight.copy(from: weight.to(.float32))
        try linear.bias?.copy(from: bias.to(.float32))
    }
}
