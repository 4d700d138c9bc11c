import Conversations
import Datasets
import Foundation
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// What a student writes, and the step on it.
@Suite("A student's texts")
struct OnPolicyStepTests {
    private struct Fixture: Decodable {
        struct Text: Decodable {
            var ids: [Int32]
            var prompt: Int
        }
        struct Gradient: Decodable {
            var sum, size: Double
            var first: [Double]
        }
        struct Case: Decodable {
            var objective: String
            var loss: Double
            var gradients: [String: Gradient]
        }
        var student, teacher: String
        var texts: [Text]
        var cases: [Case]
    }

    private static func writer(_ options: OnPolicyOptions = OnPolicyOptions(fraction: 1)) throws
        -> StudentWriter
    {
        StudentWriter(
            options: options, tokenizer: try Tokenizer.load(directory: TinyLanguageModel.tokenizer),
            stopTokenIDs: [1], maxLength: 32)
    }

    private static func model(_ name: String) throws -> TransformerModel {
        try AutoModel.load(
            from: Support.fixtures.appending(path: "../../TransformersTests/Fixtures/decoders/\(name)")
                .standardizedFileURL
        ).model
    }

    private struct Step: Sendable {
        var loss: Double
        var gradients: [String: [Float]]
    }

    /// A step on the fixture's texts.
    private static func step(
        _ fixture: Fixture, _ objective: String, batchSize: Int, _ processes: Processes?
    ) throws -> Step {
        let (student, teacher) = (try model(fixture.student), try model(fixture.teacher))
        try teacher.parameters.freeze()
        let writer = try writer()
        let texts = fixture.texts.map { StudentText(ids: $0.ids, promptLength: $0.prompt) }
        let width = teacher.configuration.hiddenSize
        var arguments = TrainingArguments()
        (arguments.perDeviceTrainBatchSize, arguments.maxGradNorm) = (batchSize, 1e9)
        let trainer = try Trainer(
            model: student,
            objectives: [
                WeightedObjective(
                    try ObjectiveRegistry.standard.make(ObjectiveSpecification(text: objective)))
            ], data: writer.dataset(texts),
            teacher: TeacherSupervision(
                logits: Logits(values: [Float](repeating: 0, count: width), classes: width), model: teacher,
                tokensDiffer: nil, outputWeight: teacher.outputWeight), isBesideTeacher: false,
            augmentation: nil, arguments: arguments, precision: .float32, stage: .init(),
            processes: processes,
            writer: writer)
        trainer.texts = StudentTexts(steps: 0..<1, texts: [0: texts])
        let result = try trainer.trainStep(trainer.onPolicyBatches(insteadOf: []))
        var step = Step(loss: result.sums.meanLoss, gradients: [:])
        for entry in student.parameters.entries {
            step.gradients[entry.name] = try entry.tensor.gradient?.array()
        }
        return step
    }

    @Test(
        "the step on texts that transformers sampled has its loss and gradients, in one or two micro-batches and processes",
        arguments: [(8, 1), (2, 1), (8, 2)])
    func golden(_ batchSize: Int, _ count: Int) throws {
        let fixture = try JSONDecoder().decode(
            Fixture.self, from: Data(contentsOf: Support.fixtures.appending(path: "on_policy.json")))
        #expect(fixture.cases.count == 5)
        for expected in fixture.cases {
            let steps =
                count == 1
                ? [try Self.step(fixture, expected.objective, batchSize: batchSize, nil)]
                : try Together.run(count) {
                    let fixture = try JSONDecoder().decode(
                        Fixture.self,
                        from: Data(contentsOf: Support.fixtures.appending(path: "on_policy.json")))
                    return try Self.step(fixture, expected.objective, batchSize: batchSize, $0)
                }
            for step in steps {
                #expect(abs(step.loss / expected.loss - 1) < 1e-4, "\(expected.objective): \(step.loss)")
                #expect(step.gradients.count == expected.gradients.count)
                for (name, gradient) in expected.gradients {
                    let own = try #require(step.gradients[name], "\(name)").map(Double.init)
                    let size = own.reduce(0) { $0 + abs($1) }
                    #expect(abs(size - gradient.size) < 1e-3 * gradient.size + 1e-5, "\(name): \(size)")
                    let scale = gradient.size / Double(own.count)
                    for (a, b) in zip(own, gradient.first) {
                        #expect(abs(a - b) < 1e-3 * abs(b) + 1e-3 * scale + 1e-7, "\(name): \(a), \(b)")
                    }
                }
            }
        }
    }

    @Test(
        "which steps are taken on them is drawn with the probability that was asked for, by seed and step alone"
    )
    func drawn() throws {
        for fraction in [0, 0.3, 1] {
            let writer = try Self.writer(OnPolicyOptions(fraction: fraction))
            let draws = (0..<4000).map { writer.isDrawn(step: $0, seed: 42) }
            let share = Double(draws.count { $0 }) / 4000
            // Six standard deviations.
            #expect(abs(share - fraction) <= 6 * (fraction * (1 - fraction) / 4000).squareRoot(), "\(share)")
            #expect(draws == (0..<4000).map { writer.isDrawn(step: $0, seed: 42) })
            if fraction == 0.3 { #expect(draws != (0..<4000).map { writer.isDrawn(step: $0, seed: 43) }) }
        }
        let seeds = (0..<100).map { StudentWriter.textSeed(step: $0, seed: 42) }
        #expect(Set(seeds).count == 100)
    }

    @Test("a prompt ends before the last answer; of a text without one it is the first quarter")
    func prompts() throws {
        func dataset(_ marks: [String]) -> EncodedDataset {
            let builder = TokenBuilder(tokenizer: try! Self.writer().tokenizer, maxLength: 64)
            builder.begin(.causalLanguageModel, [])
            let texts = marks.map { text in
                TokenizedText(
                    ids: text.indices.map { Int32(text.distance(from: text.startIndex, to: $0)) + 5 },
                    isTrained: text.map { $0 == "x" })
            }
            return builder.dataset(.memory(try! builder.append(TokenizedChunk(texts: texts))))
        }
        let data = dataset(["...xxx", "..xx...xxx", ".xxxxxxxxxxx", ".x", ".x..x"])
        let lengths = try (0..<data.count).map { try Self.writer().prompt(of: $0, in: data).count }
        #expect(lengths == [3, 7, 3, 1, 4])
        #expect(try Self.writer().prompt(of: 0, in: data) == [5, 6, 7])
    }

    @Test(
        "the same seed gives the same texts on any number of threads and processes, cut at the longest text")
    func written() throws {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "distill-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let directory = try TinyLanguageModel(in: scratch).directory
        var options = OnPolicyOptions(fraction: 1)
        options.maxNewTokens = 12
        let writer = try Self.writer(options)
        var lengths = (3..<10).map(\.self)
        lengths.append(30)
        let prompts = lengths.map { length in (0..<length).map { Int32(5 + $0 * length % 40) } }
        @Sendable func texts(_ seed: UInt64, _ processes: Processes? = nil) throws -> [StudentText] {
            try writer.write(
                prompts, model: AutoModel.load(from: directory).model, precision: .float32, seed: seed,
                processes: processes)
        }
        let alone = try texts(1)
        #expect(alone.count == 8 && zip(alone, prompts).allSatisfy { $0.ids.starts(with: $1) })
        #expect(zip(alone, prompts).allSatisfy { $0.promptLength == $1.count && $0.ids.count > $1.count })
        #expect(alone.allSatisfy { $0.ids.count <= 32 && $0.ids.count - $0.promptLength <= 12 })
        #expect(try texts(2) != alone)
        for count in [1, 2] { #expect(try Runtime.withThreadCount(count) { try texts(1) } == alone) }
        for count in [2, 3] {
            #expect(try Together.run(count) { try texts(1, $0) }.allSatisfy { $0 == alone })
        }
        // A data set of them trains what the student wrote, and nothing else.
        let dataset = try writer.dataset(alone)
        for (index, text) in alone.enumerated() {
            #expect(try dataset.example(index).inputIDs == text.ids)
            let positions = (dataset.rowPositions(of: index) ?? []).map { Int($0) + 1 }
            #expect(positions == Array(text.promptLength..<text.ids.count))
        }
    }
}
