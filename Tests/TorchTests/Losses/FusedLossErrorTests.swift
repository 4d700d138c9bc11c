import Testing

@testable import Torch

extension Engine {
    @Suite("Fused loss, errors")
    struct FusedLossErrorTests {
        private let student: FusedLoss.Head
        private let teacher: FusedLoss.Head
        private let targets: Tensor
        private let terms = FusedLossFixture.both

        init() throws {
            student = .init(hidden: try .ones([3, 4]), weight: try .ones([10, 4]))
            teacher = .init(hidden: try .ones([3, 6]), weight: try .ones([10, 6]))
            targets = try Tensor([Int64(0), 5, 9])
        }

        @Test("states and weights that do not fit")
        func heads() {
            expectTorchError("fused_loss", "the student's", "[3, 4]", "[10, 5]", kind: .operation) {
                _ = try FusedLoss(
                    student: .init(hidden: student.hidden, weight: .ones([10, 5])), targets: targets,
                    terms: [LossTerm(.crossEntropy)])
            }
            expectTorchError("the teacher's", "[3, 4]", "[10, 6]") {
                _ = try FusedLoss(
                    student: student, teacher: .init(hidden: student.hidden, weight: teacher.weight),
                    targets: targets, terms: terms)
            }
            expectTorchError("tokens", "[2, 6]", "[3, 4]") {
                _ = try FusedLoss(
                    student: student, teacher: .init(hidden: .ones([2, 6]), weight: teacher.weight),
                    targets: targets, terms: terms)
            }
            expectTorchError("output weight must be float32") {
                _ = try FusedLoss(
                    student: .init(hidden: student.hidden, weight: student.weight.to(.bfloat16)),
                    teacher: teacher, targets: targets, terms: terms)
            }
            expectTorchError("hidden states must be float32 or bfloat16") {
                _ = try FusedLoss(
                    student: .init(hidden: student.hidden.to(.float64), weight: student.weight),
                    teacher: teacher, targets: targets, terms: terms, dtype: .float32)
            }
            expectTorchError("float16") {
                _ = try FusedLoss(
                    student: student, teacher: teacher, targets: targets, terms: terms, dtype: .float16)
            }
        }

        @Test("targets and weights that do not fit")
        func rows() {
            expectTorchError("targets", "[3]", "[2]") { _ = try loss(targets: Tensor([Int64(1), 2])) }
            expectTorchError("targets must be int64") { _ = try loss(targets: Tensor([Int32(1), 2, 3])) }
            for wrong in [Int64(-1), 10] {
                expectTorchError("target 1 is \(wrong)", "10 tokens") {
                    _ = try loss(targets: Tensor([0, wrong, 9]))
                }
            }
            expectTorchError("tokens' weights", "[3]", "[4]") { _ = try loss(tokenWeights: .ones([4])) }
            expectTorchError("tokens' weights must be float32") {
                _ = try loss(tokenWeights: .ones([3], dtype: .float64))
            }
        }

        @Test("terms that make no sense")
        func senselessTerms() {
            expectTorchError("1 to 16 loss terms", "0") { _ = try loss(terms: []) }
            expectTorchError("1 to 16 loss terms", "17") {
                _ = try loss(terms: Array(repeating: LossTerm(.kl), count: 17))
            }
            expectTorchError("temperature", "0") { _ = try loss(terms: [LossTerm(.kl, temperature: 0)]) }
            expectTorchError("weight must be finite", "nan") {
                _ = try loss(terms: [LossTerm(.kl, weight: .nan)])
            }
            expectTorchError("from 0 to 1", "1.5") { _ = try loss(terms: [LossTerm(.skewKL(alpha: 1.5))]) }
            expectTorchError("needs the teacher's") {
                _ = try FusedLoss(student: student, targets: targets, terms: [LossTerm(.kl)])
            }
        }

        @Test("a second backward pass")
        func twice() throws {
            let weight = try student.weight.clone()
            try weight.setRequiresGrad(true)
            let loss = try FusedLoss(
                student: .init(hidden: student.hidden, weight: weight), teacher: teacher, targets: targets,
                terms: terms
            ).loss
            try loss.backward()
            expectTorchError("backward was called twice") { try loss.backward() }
        }

        private func loss(
            targets: Tensor? = nil, tokenWeights: Tensor? = nil, terms: [LossTerm]? = nil
        ) throws -> FusedLoss {
            try FusedLoss(
                student: student, teacher: teacher, targets: targets ?? self.targets,
                tokenWeights: tokenWeights, terms: terms ?? self.terms)
        }
    }
}
