import Testing

@testable import Torch

extension Engine {
    /// Losses beside a teacher's most probable tokens and the rest as one, against plain PyTorch in float64
    /// (`scripts/fixtures/outcome_loss.py`).
    @Suite("Losses of outcomes")
    struct OutcomeLossTests {
        private static let terms: [(name: String, term: LossTerm)] = [
            ("cross_entropy", LossTerm(.crossEntropy)), ("kl", LossTerm(.kl)),
            ("reverse_kl", LossTerm(.reverseKL)), ("jensen_shannon", LossTerm(.jensenShannon(beta: 0.3))),
            ("skew_kl", LossTerm(.skewKL(alpha: 0.1))),
            ("skew_reverse_kl", LossTerm(.skewReverseKL(alpha: 0.1))), ("tvd", LossTerm(.totalVariation)),
        ]

        private struct Inputs {
            let file: Fixture
            let student: FusedLoss.Head

            init() throws {
                file = try Fixture("outcome_loss")
                student = .init(hidden: try file("hidden").clone(), weight: try file("weight").clone())
                try student.hidden.setRequiresGrad(true)
                try student.weight.setRequiresGrad(true)
            }

            func loss(_ terms: [LossTerm], statistics: Bool = false) throws -> FusedLoss {
                try FusedLoss(
                    student: student, outcomes: file("outcomes"), targets: file("targets"),
                    tokenWeights: file("token_weights"), terms: terms, statistics: statistics)
            }

            /// Within 3e-5: the logarithms of the rest are rounded once more than a teacher's logits.
            func expect(_ name: String, _ terms: [LossTerm]) throws {
                let result = try loss(terms)
                try expectClose(result.sums, try file("\(name).sums"), relative: 3e-5, "\(name).sums")
                try result.loss.backward()
                try expectClose(
                    #require(try student.hidden.gradient), try file("\(name).hidden"), relative: 3e-5,
                    "\(name).hidden")
                try expectClose(
                    #require(try student.weight.gradient), try file("\(name).weight"), relative: 3e-5,
                    "\(name).weight")
            }
        }

        @Test("each term's value and gradients", arguments: terms.map(\.name))
        func term(_ name: String) throws {
            try Inputs().expect(name, [#require(Self.terms.first { $0.name == name }).term])
        }

        @Test("all terms at once")
        func all() throws {
            try Inputs().expect(
                "all",
                Self.terms.map { LossTerm($0.term.measure, weight: 0.5, temperature: $0.term.temperature) })
        }

        @Test("what is told of each token is told of the outcomes")
        func statistics() throws {
            let inputs = try Inputs()
            let told = try #require(try inputs.loss([LossTerm(.kl)], statistics: true).statistics)
            for (name, values) in [
                ("divergence", try told.divergence), ("teacher_entropy", try told.teacherEntropy),
                ("teacher_surprisal", try told.teacherSurprisal), ("agreement", try told.agreement),
            ] {
                try expectClose(#require(values), try inputs.file("statistics.\(name)"), name)
            }
        }

        @Test("fewer outcomes never tell of more divergence, and the whole distribution tells of the most")
        func bounds() throws {
            let inputs = try Inputs()
            let teacher = try inputs.file("teacher")
            var last = [Float](repeating: 0, count: 40)
            for count in [1, 3, 30, 130] {
                let loss = try FusedLoss(
                    student: inputs.student, outcomes: teacher.topOutcomes(count),
                    targets: inputs.file("targets"),
                    terms: [LossTerm(.kl)], statistics: true)
                let values: [Float] = try #require(try loss.statistics?.divergence).array()
                #expect(zip(last, values).allSatisfy { $0 <= $1 + 1e-5 })
                last = values
            }
            // Of all tokens but one the rest is that one.
            var identity = [Float](repeating: 0, count: 131 * 131)
            for index in 0..<131 { identity[index * 132] = 1 }
            let whole = try FusedLoss(
                student: inputs.student,
                teacher: .init(hidden: teacher, weight: try Tensor(identity, shape: [131, 131])),
                targets: inputs.file("targets"), terms: [LossTerm(.kl)], statistics: true)
            let values: [Float] = try #require(try whole.statistics?.divergence).array()
            #expect(zip(last, values).allSatisfy { abs($0 - $1) < 1e-4 })
        }

        @Test("the most probable tokens of logits, their log-probabilities, and what is left")
        func top() throws {
            let inputs = try Inputs()
            let own: [Float] = try inputs.file("teacher").topOutcomes(9).array()
            let wanted: [Float] = try inputs.file("outcomes").array()
            for row in 0..<40 where row % 3 != 0 {
                for column in 0..<19 {
                    #expect(abs(own[row * 19 + column] - wanted[row * 19 + column]) < 1e-5)
                }
            }
        }

        @Test("what outcomes cannot be, and what is not defined for them, is refused")
        func refused() throws {
            let inputs = try Inputs()
            func refuses(_ part: String, _ outcomes: Tensor? = nil, _ term: LossTerm = LossTerm(.kl)) throws {
                let error = #expect(throws: TorchError.self) {
                    try FusedLoss(
                        student: inputs.student, outcomes: outcomes ?? inputs.file("outcomes"),
                        targets: inputs.file("targets"), terms: [term])
                }
                #expect("\(error.map { "\($0)" } ?? "")".contains(part), "\(String(describing: error))")
            }
            try refuses("temperature of 1", nil, LossTerm(.kl, temperature: 2))
            try refuses("whole distribution", nil, LossTerm(.adaptiveKL()))
            try refuses("2 k + 1", Tensor([Float](repeating: 0, count: 80), shape: [40, 2]))
            try refuses("one of the 131", Tensor([Float](repeating: 131, count: 120), shape: [40, 3]))
            try refuses("one of the 131", Tensor([Float](repeating: -1, count: 120), shape: [40, 3]))
            #expect(throws: TorchError.self) { try inputs.file("teacher").topOutcomes(131) }
        }
    }
}
