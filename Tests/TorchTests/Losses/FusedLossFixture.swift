import Testing

@testable import Torch

/// What `scripts/fixtures/fused_loss.py` computed with PyTorch.
struct FusedLossFixture {
    let file: Fixture

    init() throws { file = try Fixture("fused_loss") }

    /// The inputs of the first tokens, cut to vocabularies; the student's are leaves that want gradients.
    struct Inputs {
        let student: FusedLoss.Head
        let teacher: FusedLoss.Head
        let targets: Tensor
        let tokenWeights: Tensor

        func loss(_ terms: [LossTerm], dtype: DType? = nil, statistics: Bool = false) throws -> FusedLoss {
            try FusedLoss(
                student: student, teacher: teacher, targets: targets, tokenWeights: tokenWeights,
                terms: terms, dtype: dtype, statistics: statistics)
        }
    }

    func inputs(
        rows: Int, vocabulary: Int = 701, teacherVocabulary: Int? = nil, roundedTo dtype: DType = .float32
    ) throws -> Inputs {
        func part(_ name: String, _ count: Int) throws -> Tensor {
            try file(name)[0..<count].to(dtype).to(.float32).clone()
        }
        let hidden = try part("hidden", rows)
        let weight = try part("weight", vocabulary)
        try hidden.setRequiresGrad(true)
        try weight.setRequiresGrad(true)
        return Inputs(
            student: .init(hidden: hidden, weight: weight),
            teacher: .init(
                hidden: try part("teacher_hidden", rows),
                weight: try part("teacher_weight", teacherVocabulary ?? vocabulary)),
            targets: try file("targets")[0..<rows], tokenWeights: try file("token_weights")[0..<rows])
    }

    /// The terms of the cases `term.…`, and of the padded cases in this order.
    static let terms: [(name: String, term: LossTerm)] = [
        ("cross_entropy", LossTerm(.crossEntropy)),
        ("cross_entropy_soft", LossTerm(.crossEntropy, weight: 0.5, temperature: 3)),
        ("kl", LossTerm(.kl)),
        ("kl_soft", LossTerm(.kl, weight: 0.7, temperature: 2)),
        ("reverse_kl", LossTerm(.reverseKL, temperature: 1.5)),
        ("jensen_shannon", LossTerm(.jensenShannon(beta: 0.3))),
        ("jensen_shannon_0", LossTerm(.jensenShannon(beta: 0), temperature: 2)),
        ("jensen_shannon_1", LossTerm(.jensenShannon(beta: 1), temperature: 2)),
        ("skew_kl", LossTerm(.skewKL(alpha: 0.1))),
        ("skew_reverse_kl", LossTerm(.skewReverseKL(alpha: 0.1), weight: 2, temperature: 1.2)),
        ("tvd", LossTerm(.totalVariation)),
        ("adaptive_kl", LossTerm(.adaptiveKL(), temperature: 2)),
    ]
    /// The terms of the other cases.
    static let both = [
        LossTerm(.kl, weight: 0.6, temperature: 2), LossTerm(.crossEntropy, weight: 0.4),
    ]

    /// Expects a case's sums, loss and gradients; a gradient at the loss of 1.
    func expect(
        _ name: String, _ inputs: Inputs, _ terms: [LossTerm],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let result = try inputs.loss(terms)
        try expectClose(
            result.sums, try file("\(name).sums"), "\(name).sums", sourceLocation: sourceLocation)
        try expectClose(
            result.loss, try file("\(name).loss"), "\(name).loss", sourceLocation: sourceLocation)
        try result.loss.backward()
        try expectClose(
            try #require(try inputs.student.hidden.gradient), try file("\(name).hidden"), "\(name).hidden",
            sourceLocation: sourceLocation)
        try expectClose(
            try #require(try inputs.student.weight.gradient), try file("\(name).weight"), "\(name).weight",
            sourceLocation: sourceLocation)
    }
}
