import Foundation
import TestSupport
import Testing
import Torch

@testable import Distillation

/// Losses across tokenizers against PyTorch, by the definitions of ULD and GOLD; see scripts/fixtures/span_losses.py.
@Suite("Losses across tokenizers")
struct SpanLossTests {
    private struct Values: Decodable {
        let shape: [Int]
        let values: [Float]

        func tensor() throws -> Tensor { try Tensor(values, shape: shape) }
    }

    private struct Case: Decodable {
        let objective: String
        let value: Double
        let hidden: Values
        let weight: Values
    }

    private struct Fixture: Decodable {
        let hidden: Values
        let weight: Values
        let teacherHidden: Values
        let teacherWeight: Values
        let tokens: [Int]
        let teacherTokens: [Int]
        let spans: [[[Int]]]
        let shared: [[Int]]
        let cases: [Case]

        static func load() throws -> Fixture {
            let decoder = JSONDecoder()
            decoder.keyDecodingStrategy = .convertFromSnakeCase
            return try decoder.decode(
                Fixture.self, from: Data(contentsOf: Support.fixtures.appending(path: "span_losses.json")))
        }

        func batch() throws -> SpanBatch {
            func others(_ count: Int, _ side: Int) -> [Int] {
                (0..<count).filter { id in !shared.contains { $0[side] == id } }
            }
            var batch = SpanBatch(
                teacher: .init(hidden: try teacherHidden.tensor(), weight: try teacherWeight.tensor()),
                shared: SharedTokens(
                    student: shared.map { $0[0] }, teacher: shared.map { $0[1] },
                    studentAlone: others(weight.shape[0], 0), teacherAlone: others(teacherWeight.shape[0], 1)),
                studentTargets: tokens, teacherTargets: teacherTokens)
            for text in spans {
                for span in text {
                    batch.spans.append(TokenSpan(student: span[0]..<span[1], teacher: span[2]..<span[3]))
                    batch.weights.append(1 / Float(text.count * spans.count))
                }
            }
            return batch
        }
    }

    @Test("value and gradients of every case")
    func golden() throws {
        let fixture = try Fixture.load()
        #expect(fixture.cases.count == 9)
        for golden in fixture.cases {
            let objective = try ObjectiveRegistry.standard.make(
                ObjectiveSpecification(text: golden.objective))
            let (hidden, weight) = (try fixture.hidden.tensor(), try fixture.weight.tensor())
            try hidden.setRequiresGrad(true)
            try weight.setRequiresGrad(true)
            let span = try #require(objective as? SpanObjective)
            let loss = try span.loss(fixture.batch(), hidden, weight, dtype: .float32, progress: 0)
            try loss.backward()
            let value = try loss.item()
            #expect(abs(value - golden.value) <= 1e-5 * max(1, golden.value), "\(golden.objective): \(value)")
            for (leaf, wanted) in [(hidden, golden.hidden), (weight, golden.weight)] {
                let wanted = try wanted.tensor()
                let gradient = try #require(try leaf.gradient)
                let error = try (gradient - wanted).absolute().max().item()
                let size = try wanted.absolute().max().item()
                #expect(error <= 1e-5 * max(1e-2, size), "\(golden.objective): \(error) of \(size)")
            }
        }
    }

    @Test("without a graph the same value, and blocks of any size the same loss")
    func blocks() throws {
        let fixture = try Fixture.load()
        let objective = try #require(
            ObjectiveRegistry.standard.make(ObjectiveSpecification(text: "gold")) as? SpanObjective)
        let (hidden, weight) = (try fixture.hidden.tensor(), try fixture.weight.tensor())
        let whole = try withNoGrad {
            try objective.loss(fixture.batch(), hidden, weight, dtype: .float32, progress: 0).item()
        }
        var batch = try fixture.batch()
        batch.blockSize = 1
        let parts = try withNoGrad {
            try objective.loss(batch, hidden, weight, dtype: .float32, progress: 0).item()
        }
        let wanted = try #require(fixture.cases.first { $0.objective == "gold" }).value
        #expect(abs(whole - parts) < 1e-6 && abs(whole - wanted) < 1e-5)
    }

    @Test("probabilities in falling order, equal ones in the order of their tokens")
    func order() {
        var generator = SeededGenerator(seed: 4)
        let (count, width) = (3, 700)
        var values = (0..<count * width).map { _ in Float.random(in: 0...1, using: &generator) }
        for index in stride(from: 0, to: values.count, by: 5) {
            values[index] = [0, 1, Float(bitPattern: 71_362), 0.5][index % 4]
        }
        let order = FallingOrder.indices(values, count: count, width: width)
        for row in 0..<count {
            let own = Array(values[row * width..<(row + 1) * width])
            let wanted = own.indices.sorted { (own[$1], $0) < (own[$0], $1) }
            #expect(order[row * width..<(row + 1) * width].map(Int.init) == wanted)
        }
        #expect(FallingOrder.indices([], count: 0, width: 3).isEmpty)
    }

    @Test("what ends an answer is one token, however it is written; rows without a token are no shared ones")
    func ends() {
        let student = VocabularyBytes(
            bytes: [[65], [], []], special: [1: Array("<e>".utf8), 2: Array("<f>".utf8)])
        let teacher = VocabularyBytes(
            bytes: [[], [65], []], special: [0: Array("<f>".utf8), 2: Array("</s>".utf8)])
        let shared = SharedTokens(
            student: student, teacher: teacher,
            ends: [
                .init(student: 1, teacher: 2): 3, .init(student: 1, teacher: 0): 9,
                .init(student: 2, teacher: 2): 9,
            ])
        #expect(shared.teacher == [0, 1, 2] && shared.student == [2, 0, 1], "<f> is written alike")
        let cut = shared.fitting(student: 4, teacher: 2)
        #expect(cut.teacher == [0, 1] && cut.student == [2, 0])
        #expect(cut.studentAlone == [1, 3] && cut.teacherAlone.isEmpty)
    }

    @Test("tokens are shared by their bytes, special ones by how they are written")
    func sharedTokens() {
        // The last of several tokens of the same bytes counts.
        let student = VocabularyBytes(
            bytes: [[65], [], [66], [65], [67, 68]], special: [1: Array("<e>".utf8)])
        let teacher = VocabularyBytes(
            bytes: [[], [67, 68], [65], [69], []],
            special: [0: Array("<e>".utf8), 4: Array("B".utf8)])
        let shared = SharedTokens(student: student, teacher: teacher)
        #expect(shared.teacher == [0, 1, 2] && shared.student == [1, 4, 3])
        #expect(shared.studentAlone == [0, 2] && shared.teacherAlone == [3, 4])
    }
}
