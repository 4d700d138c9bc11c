import Testing

@testable import Torch

extension Engine {
    /// Losses of language models in blocks of tokens, against plain PyTorch in float64.
    @Suite("Fused loss")
    struct FusedLossTests {
        @Test("each term's value and gradients", arguments: FusedLossFixture.terms.map(\.name))
        func term(name: String) throws {
            let fixture = try FusedLossFixture()
            let term = try #require(FusedLossFixture.terms.first { $0.name == name }).term
            try fixture.expect("term.\(name)", try fixture.inputs(rows: 7, vocabulary: 131), [term])
        }

        @Test("any number of tokens", arguments: [0, 1, 7, 64, 300])
        func rows(count: Int) throws {
            let fixture = try FusedLossFixture()
            try fixture.expect("rows.\(count)", try fixture.inputs(rows: count), FusedLossFixture.both)
        }

        @Test("tokens that only one vocabulary has count for nothing, with all terms at once")
        func padding() throws {
            let fixture = try FusedLossFixture()
            let terms = FusedLossFixture.terms.map(\.term)
            let padded = try fixture.inputs(rows: 7, teacherVocabulary: 690)
            try fixture.expect("student_padded", padded, terms)
            let gradient = try #require(try padded.student.weight.gradient)
            #expect(try gradient[690..<701].array(of: Double.self).allSatisfy { $0 == 0 })
            try fixture.expect(
                "teacher_padded", try fixture.inputs(rows: 7, vocabulary: 690, teacherVocabulary: 701), terms)
        }

        @Test("what is told of each token")
        func statistics() throws {
            let fixture = try FusedLossFixture()
            let inputs = try fixture.inputs(rows: 300)
            let told = try #require(try inputs.loss(FusedLossFixture.both, statistics: true).statistics)
            func expect(_ name: String, _ values: Tensor?) throws {
                try expectClose(try #require(values), try fixture.file("statistics.\(name)"), name)
            }
            try expect("student_surprisal", told.studentSurprisal)
            try expect("teacher_surprisal", told.teacherSurprisal)
            try expect("divergence", told.divergence)
            try expect("agreement", told.agreement)
            try expect("student_entropy", told.studentEntropy)
            try expect("teacher_entropy", told.teacherEntropy)
            try expect("correctness", told.correctness)
            #expect(try inputs.loss(FusedLossFixture.both).statistics == nil)
        }

        @Test("a student alone: its cross-entropy, and nothing of a teacher")
        func alone() throws {
            let fixture = try FusedLossFixture()
            let inputs = try fixture.inputs(rows: 7, vocabulary: 131)
            let result = try FusedLoss(
                student: inputs.student, targets: inputs.targets, tokenWeights: inputs.tokenWeights,
                terms: [LossTerm(.crossEntropy)], statistics: true)
            try expectClose(result.sums, try fixture.file("term.cross_entropy.sums"))
            try result.loss.backward()
            try expectClose(
                try #require(try inputs.student.weight.gradient),
                try fixture.file("term.cross_entropy.weight"))
            let told = try #require(result.statistics)
            #expect(try told.teacherSurprisal == nil && told.divergence == nil && told.agreement == nil)
            try expectClose(
                told.studentSurprisal, try fixture.file("statistics.student_surprisal")[0..<7], relative: 1)
        }

        /// Where the logits' gradient becomes bfloat16, with 8 significant bits, each of a gradient's products changes by
        /// at most 2⁻⁸ of its size: the fixture's sizes are the sums of these products without their signs.
        @Test("bfloat16 rounds the logits' gradients, and nothing else")
        func bfloat16() throws {
            let fixture = try FusedLossFixture()
            let inputs = try fixture.inputs(rows: 64, roundedTo: .bfloat16)
            let result = try inputs.loss(FusedLossFixture.both, dtype: .bfloat16)
            try expectClose(result.sums, try fixture.file("bfloat16.sums"))
            try result.loss.backward()
            for (name, leaf) in [("hidden", inputs.student.hidden), ("weight", inputs.student.weight)] {
                let actual = try #require(try leaf.gradient).array(of: Double.self)
                let expected = try fixture.file("bfloat16.\(name)").array(of: Double.self)
                let size = try fixture.file("bfloat16.\(name)_size").array(of: Double.self)
                for index in actual.indices {
                    #expect(
                        abs(actual[index] - expected[index]) <= (0x1p-8 + 1e-5) * size[index],
                        "\(name)[\(index)]")
                }
            }
        }

        @Test("storage in half precision, of the student's states and of the teacher")
        func storage() throws {
            let fixture = try FusedLossFixture()
            for dtype in [DType.bfloat16, .float16] {
                let inputs = try fixture.inputs(rows: 64, roundedTo: dtype)
                let wide = try inputs.loss(FusedLossFixture.both)
                try wide.loss.backward()
                let student =
                    dtype == .bfloat16
                    ? try inputs.student.hidden.detached().to(dtype) : inputs.student.hidden
                if dtype == .bfloat16 { try student.setRequiresGrad(true) }
                let narrow = try FusedLoss(
                    student: .init(hidden: student, weight: inputs.student.weight.detached()),
                    teacher: .init(
                        hidden: inputs.teacher.hidden.to(dtype), weight: inputs.teacher.weight.to(dtype)),
                    targets: inputs.targets, tokenWeights: inputs.tokenWeights, terms: FusedLossFixture.both,
                    dtype: .float32)
                #expect(try narrow.sums.bytes() == wide.sums.bytes(), "\(dtype)")
                guard dtype == .bfloat16 else { continue }
                try narrow.loss.backward()
                let gradient = try #require(try student.gradient)
                #expect(gradient.dtype == .bfloat16)
                #expect(
                    try gradient.bytes() == #require(try inputs.student.hidden.gradient).to(.bfloat16).bytes()
                )
            }
        }
    }
}
