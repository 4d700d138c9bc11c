import Foundation
import RegularExpressions
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// Students of language models that have some of their teacher's tokens.
@Suite("Language models' students with fewer tokens")
struct TrimmedStudentTests {
    private let scratch = FileManager.default.temporaryDirectory.appending(
        path: "distill-\(UUID().uuidString)")
    private var data: URL { scratch.appending(path: "chats.jsonl") }
    private var other: URL { scratch.appending(path: "others.jsonl") }

    /// The request of a student of all layers, which differs from its teacher in its tokens alone.
    private func request(_ output: String = "student") throws -> DistillRequest {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        try TinyLanguageModel.conversations(to: data)
        let line =
            #"{"messages": [{"role": "user", "content": "what there? \u00e9"}, {"role": "assistant", "content": "the user asks this; 7 is that"}]}"#
        try (line + "\n" + line + "\n").write(to: other, atomically: true, encoding: .utf8)
        let teacher = try TinyLanguageModel(in: scratch).directory
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: data), output: scratch.appending(path: output))
        request.data.validation = other
        request.student.layers = 4
        request.student.trimVocabulary = true
        request.training.maxSteps = 1
        request.training.learningRate = 1e-9
        request.training.perDeviceTrainBatchSize = 8
        request.teacherStates = .float32
        request.precision = .float32
        request.cache.directory = scratch.appending(path: "cache")
        return request
    }

    private func setup(_ request: DistillRequest) throws -> DistillationSetup {
        try DistillationSetup(
            request, log: RunLog({ _ in }, shouldStop: { false }), findings: Diagnostics())
    }

    @Test(
        "it begins as its teacher, normalized over its tokens; what that loses is told; every file has the new numbers"
    )
    func whole() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request()
        request.objectives = [
            ObjectiveSpecification("kl"), try ObjectiveSpecification(text: "hidden_mse(layers=[2:2,4:4])"),
        ]
        let setup = try setup(request)
        let teacher = setup.teachers[0]
        let vocabulary = try #require(teacher.vocabulary)
        // The validation text has tokens that no training text has, which become several of the student's.
        let (own, theirs) = (setup.data.validation, teacher.data.validation)
        let before = try teacher.classifier.tokenizer.encode("the user asks", addSpecialTokens: false).ids
        let after = try setup.tokenizer.encode("the user asks", addSpecialTokens: false).ids
        #expect(after.count > before.count)
        for index in 0..<own.count {
            #expect(
                try own.example(index).inputIDs.map { vocabulary.teacherIDs[Int($0)] }
                    == theirs.example(index).inputIDs)
        }
        #expect(own.targets.classes.map { Int(vocabulary.teacherIDs[$0]) } == theirs.targets.classes)

        let report = try DistillationRun(request).run()
        let record = try #require(report.vocabulary)
        #expect(record.tokensBefore == 420 && record.tokensAfter == vocabulary.teacherIDs.count)
        #expect((256..<400).contains(record.tokensAfter))
        #expect(report.settings.studentConfiguration.vocabularySize == record.tokensAfter)
        // A student of all layers and the same rows differs by nothing but rounding.
        #expect(try #require(report.comparison?.kl) < 1e-5 && report.comparison?.agreement == 1)
        #expect(report.epochs.last.map { $0.trainTerms.allSatisfy { abs($0.value) < 1e-4 } } == true)
        let lost = try #require(record.lostMass)
        #expect(try abs(lost - lostMass(teacher, vocabulary)) < 1e-4 && lost > 0.01, "\(lost)")
        // The teacher itself is measured with all of its tokens.
        #expect(
            report.teacher?.metrics[.loss] ?? 0 > (report.student.metrics[.loss] ?? 0) + 0.01)

        let saved = try LoadedModel(request.output, languageModels: true)
        let configuration = saved.model.configuration
        #expect(configuration.vocabSize == record.tokensAfter)
        #expect(configuration.json()["eos_token_id"] == 1 && configuration.json()["bos_token_id"] == 2)
        let text = try #require(try saved.languageModelText(DataColumns(), maxLength: 32))
        #expect(text.tokens.stopIDs == [1, 0])
        let table = try #require(saved.model.outputWeight)
        let whole = try vocabulary.rows(of: teacher.classifier.model.languageModelHead)
        #expect(
            try zip(table.array(of: Float.self), whole.array(of: Float.self)).allSatisfy {
                abs($0 - $1) < 1e-6
            })

        // Evaluated later, it has the same distance.
        var evaluation = EvaluateRequest(model: request.output, data: other)
        evaluation.teacher = request.teachers[0].directory
        evaluation.cache.directory = request.cache.directory
        let evaluated = try EvaluationRun(evaluation).run()
        #expect(try abs(#require(evaluated.comparison?.kl) - #require(report.comparison?.kl)) < 1e-6)
        #expect(
            try abs(#require(evaluated.teacher?.metrics[.loss]) - #require(report.teacher?.metrics[.loss]))
                < 1e-5)
    }

    /// The mass of tokens that a student lacks, from the teacher's logits.
    private func lostMass(_ teacher: LoadedTeacher, _ vocabulary: TeacherVocabulary) throws -> Double {
        let data = teacher.data.validation
        var (sum, count) = (0.0, 0)
        for index in 0..<data.count {
            let input = try Batch(data, indices: [index]).input
            let logits = try withNoGrad { try teacher.classifier.model(input).logits.softmax(dimension: -1) }
            let size = try logits.size(1)
            let values = try logits.array(of: Float.self)
            for row in 0..<values.count / size {
                sum += 1 - vocabulary.teacherIDs.reduce(0.0) { $0 + Double(values[row * size + Int($1)]) }
                count += 1
            }
        }
        return sum / Double(count)
    }

    @Test("it learns, and its saved directory is a student of the same teacher again")
    func learning() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request()
        request.data.validation = data
        request.student.layers = 2
        (request.training.maxSteps, request.training.numTrainEpochs) = (-1, 4)
        request.training.learningRate = 3e-3
        request.training.warmupSteps = 0
        let report = try DistillationRun(request).run()
        let distances = report.epochs.compactMap { $0.validation[.kl] }
        #expect(try #require(distances.last) < #require(distances.first), "\(distances)")

        var again = request
        again.output = scratch.appending(path: "again")
        again.student = StudentOptions()
        again.student.directory = request.output
        let second = try DistillationRun(again).run()
        #expect(second.vocabulary?.tokensAfter == report.vocabulary?.tokensAfter)
        #expect(try #require(second.comparison?.kl) < #require(report.comparison?.kl) + 0.05)
    }

    @Test("what has no such student is refused in a line")
    func refusals() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let request = try request()
        func refusal(_ change: (inout DistillRequest) -> Void) -> String {
            var request = request
            change(&request)
            let error = #expect(throws: (any Error).self) { try DistillationRun(request).run() }
            let text = error.map { "\($0)" } ?? ""
            #expect(!FileManager.default.fileExists(atPath: request.output.path))
            return text
        }
        #expect(refusal { $0.teacherStates = .topK(8) }.contains("use float16, int8 or float32"))
        #expect(refusal { $0.student.directory = $0.teachers[0].directory }.contains("trim_vocabulary"))
        let encoder = refusal {
            $0.teachers = [TeacherRequest(Support.teacher)]
            $0.data = DataRequest(train: Support.reviews)
        }
        #expect(encoder.contains("distill quantize --trim-vocabulary"))
        let generation = request.teachers[0].directory.appending(path: "generation_config.json")
        try #"{"eos_token_id": [1, 0], "suppress_tokens": [5]}"#.write(
            to: generation, atomically: true, encoding: .utf8)
        #expect(refusal { _ in }.contains("generation_config.json: suppress_tokens lists ids"))
    }
}
