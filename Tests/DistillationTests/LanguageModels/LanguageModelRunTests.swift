import Deployment
import Foundation
import Reports
import Testing
import Transformers

@testable import Distillation

/// A language model, trained and distilled as users do it.
@Suite("Language models are trained, taught and evaluated")
struct LanguageModelRunTests {
    private let scratch = FileManager.default.temporaryDirectory.appending(
        path: "distill-\(UUID().uuidString)")
    private var data: URL { scratch.appending(path: "chats.jsonl") }

    private func prepared() throws -> TinyLanguageModel {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        try TinyLanguageModel.conversations(to: data)
        return try TinyLanguageModel(in: scratch)
    }

    private func fineTuned(_ model: TinyLanguageModel, epochs: Double = 4) throws -> (URL, RunReport) {
        let output = scratch.appending(path: "fine-tuned")
        var request = FineTuneRequest(model: model.directory, data: DataRequest(train: data), output: output)
        request.training.numTrainEpochs = epochs
        request.training.learningRate = 5e-3
        request.training.perDeviceTrainBatchSize = 8
        request.cache.directory = scratch.appending(path: "cache")
        return (output, try FineTuningRun(request).run())
    }

    private func request(_ teacher: URL, _ output: String = "student") -> DistillRequest {
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: data), output: scratch.appending(path: output))
        request.training.numTrainEpochs = 3
        request.training.learningRate = 3e-3
        request.training.perDeviceTrainBatchSize = 8
        request.cache.directory = scratch.appending(path: "cache")
        return request
    }

    @Test("a fine-tuned model predicts its texts, its student follows it, and the report says how well")
    func whole() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (teacher, tuned) = try fineTuned(try prepared())
        let first = try #require(tuned.epochs.first?.validation[.loss])
        let best = try #require(tuned.student.metrics[.loss])
        #expect(best < first && tuned.student.metrics[.perplexity].map { abs($0 - exp(best)) < 1e-6 } == true)
        #expect(tuned.student.problemType == .causalLanguageModel && tuned.labels.isEmpty)

        var request = request(teacher)
        request.student.layers = 3
        request.baseline = true
        var notes: [String] = []
        let report = try DistillationRun(request).run(onEvent: { event in
            if case .note(let text) = event { notes.append(text) }
        })
        #expect(notes.contains { $0.contains("starts from the teacher's layers") }, "\(notes)")
        #expect(report.student.parameters < tuned.student.parameters)
        let agreement = try #require(report.comparison?.agreement)
        let kl = try #require(report.comparison?.kl)
        #expect(agreement > 0.5 && agreement <= 1 && kl > 0 && kl < 1, "agreement \(agreement), KL \(kl)")
        #expect(report.student.metrics[.klHigh] ?? 0 >= report.student.metrics[.klMedian] ?? .infinity)
        // The nearest to the teacher is saved, and what it is worth is told by the same measure.
        #expect(report.epochs.filter(\.isBest).last?.validation[.kl] == report.student.metrics[.kl])
        #expect(report.epochs.compactMap { $0.validation[.kl] }.min() == report.student.metrics[.kl])
        let (gain, baseline) = (try #require(report.gain), try #require(report.baseline?.metrics[.kl]))
        #expect(gain.metric == .kl && abs(gain.difference - (baseline - kl)) < 1e-6)
        #expect(gain.low <= gain.difference && gain.difference <= gain.high)
        #expect(gain.others?.map(\.metric) == [.agreement, .perplexity])

        // The page has answers side by side: those that the saved models give.
        let samples = try #require(
            try JSONText.decode(
                PredictionAnalysis.self,
                from: String(contentsOf: request.output.appending(path: "analysis.json"), encoding: .utf8)
            ).samples)
        #expect(samples.count == AnswerSamples.most)
        let answers: [(URL, KeyPath<PredictionAnalysis.Sample, String?>)] = [
            (teacher, \.teacher), (request.output, \.ownAnswer),
        ]
        for (directory, answer) in answers {
            let sample = samples[1]
            var asked = AnswerRequest(model: directory)
            (asked.precision, asked.options) = (.float32, { $0.maxNewTokens = AnswerSamples.answerTokens })
            let digit = try #require(sample.prompt.firstMatch(of: /name ([0-7])/)).output.0
            asked.questions = [String(digit)]
            let text = try #require(try AnswerRun(asked).run().texts.first)
            let own = text.text + (text.finishReason == .length ? "…" : "")
            #expect(sample[keyPath: answer] == own)
            #expect(sample.reference.hasPrefix("it is ") && sample.baseline != nil)
        }
        let page = try String(contentsOf: request.output.appending(path: "report.html"), encoding: .utf8)
        #expect(page.contains("Greedy answers") && page.contains(samples[0].reference))

        // The saved directory is a model of its own, with tokenizer, template and stop tokens.
        let saved = try LoadedModel(request.output, languageModels: true)
        #expect(saved.model.configuration.numHiddenLayers == 3)
        let text = try #require(try saved.languageModelText(DataColumns(), maxLength: 32))
        #expect(text.templates.names.contains("default") && text.tokens.stopIDs == [1, 0])
        // And evaluates to what the run reported.
        var evaluation = EvaluateRequest(model: request.output, data: data)
        evaluation.teacher = teacher
        evaluation.cache.directory = scratch.appending(path: "cache")
        let evaluated = try EvaluationRun(evaluation).run()
        #expect(evaluated.comparison?.agreement ?? 0 > 0.5 && evaluated.model.metrics[.perplexity] != nil)
    }

    @Test(
        "the same run gives the same bits; kept states give the student of computed ones",
        arguments: [TeacherStateCoding.float16, .float32, .int8, .topK(8)])
    func repeated(_ coding: TeacherStateCoding) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let teacher = try prepared().directory
        var weights: [[String: [UInt8]]] = []
        for (output, keeps) in [("a", true), ("b", true), ("c", false)] {
            var request = request(teacher, output)
            request.student.layers = 2
            request.teacherStates = coding
            request.cache.teacherOutputs = keeps
            request.training.numTrainEpochs = 2
            _ = try DistillationRun(request).run()
            weights.append(try Support.bytes(AutoModel.load(from: request.output).model))
        }
        #expect(weights[0] == weights[1] && weights[0] == weights[2])
    }

    @Test(
        "every objective of a language model lowers the divergence from its teacher",
        arguments: [
            "kl", "reverse_kl", "jensen_shannon", "skew_kl", "skew_reverse_kl", "total_variation",
            "adaptive_kl",
            "soft_labels", "hidden_mse", "minilm_v2",
        ])
    func objectives(_ name: String) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request(try prepared().directory)
        request.student.layers = 3
        request.objectives = [ObjectiveSpecification(name)]
        request.training.evalSteps = 6
        request.training.numTrainEpochs = 6
        let report = try DistillationRun(request).run()
        let divergences = report.epochs.compactMap { $0.validation[.kl] }
        #expect(divergences.count > 2 && divergences.last! < divergences[0], "\(name): \(divergences)")
    }

    @Test(
        "what does not fit a language model is refused by name",
        arguments: [
            ("dkd", "dkd does not fit"), ("logits_mse", "use kl, reverse_kl"),
            ("minilm_v2(relation_heads=5)", "does not divide"),
            ("cross_entropy(label_smoothing=0.1)", "label_smoothing"), ("rkd_angle", "does not fit"),
            ("attention_kl", "hidden_mse"), ("attention_score_mse", "hidden_mse"), ("minilm", "hidden_mse"),
            ("rkd_distance", "hidden_mse"), ("similarity_preserving", "hidden_mse"),
            ("infonce", "hidden_mse"),
            ("pkd", "hidden_mse"), ("soft_cross_entropy", "use kl"), ("dist", "use kl"),
        ])
    func refused(_ objective: String, _ reason: String) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request(try prepared().directory)
        request.student.layers = 2
        request.objectives = [try ObjectiveSpecification(text: objective)]
        let error = #expect(throws: (any Error).self) { _ = try DistillationRun(request).run() }
        #expect("\(error.map { "\($0)" } ?? "")".contains(reason), "\(String(describing: error))")
    }

    @Test(
        "most probable tokens teach less of the same: the student comes nearer to its teacher, and what needs more is refused"
    )
    func outcomes() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let teacher = try prepared().directory
        func report(_ output: String, _ objective: String) throws -> RunReport {
            var request = request(teacher, output)
            request.student.layers = 3
            request.teacherStates = .topK(12)
            request.training.evalSteps = 6
            request.training.numTrainEpochs = 6
            request.objectives = [try ObjectiveSpecification(text: objective)]
            return try DistillationRun(request).run()
        }
        for objective in ["kl", "reverse_kl", "total_variation"] {
            let divergences = try report(objective, objective).epochs.compactMap { $0.validation[.kl] }
            #expect(
                divergences.count > 2 && divergences.last! < divergences[0], "\(objective): \(divergences)")
        }
        for (objective, part) in [
            ("adaptive_kl", "head and tail, of which top-k:12"), ("kl(temperature=2)", "set temperature = 1"),
            ("kl(temperature=linear(4,1))", "set temperature = 1"),
        ] {
            let error = #expect(throws: (any Error).self) { _ = try report("refused", objective) }
            #expect("\(error.map { "\($0)" } ?? "")".contains(part), "\(String(describing: error))")
        }
    }

    @Test("several teachers are refused: what is kept of them cannot be averaged")
    func severalTeachers() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = request(try prepared().directory)
        request.teachers += request.teachers
        let error = #expect(throws: (any Error).self) { _ = try DistillationRun(request).run() }
        #expect("\(error.map { "\($0)" } ?? "")".contains("learns from one; give one --teacher"))
    }

    @Test("stop tokens are those of the student's own files, whatever its teacher's say")
    func stops() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let teacher = try prepared().directory
        let student = try TinyLanguageModel(in: scratch, name: "other", layers: 2).directory
        func texts(_ wrong: URL, _ right: URL) throws -> String {
            try #"{"eos_token_id": [9]}"#.write(
                to: wrong.appending(path: "generation_config.json"), atomically: true, encoding: .utf8)
            try #"{"eos_token_id": [1, 0]}"#.write(
                to: right.appending(path: "generation_config.json"), atomically: true, encoding: .utf8)
            var request = request(teacher)
            request.student.directory = student
            return try DistillationRun.check(request).map { "\($0)" }.joined(separator: "\n")
        }
        #expect(try !texts(teacher, student).contains("stop token"))
        #expect(try texts(student, teacher).contains("no text ends with a stop token"))
    }

    @Test("a stopped run goes on to the same bits")
    func resumed() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let teacher = try prepared().directory
        func run(_ output: String, stopAfter steps: Int?) throws -> [String: [UInt8]] {
            var request = request(teacher, output)
            request.student.layers = 2
            request.training.loggingSteps = 1
            request.checkpoints.resume = .auto
            request.checkpoints.saveSteps = 3
            var seen = 0
            if let steps {
                #expect(throws: (any Error).self) {
                    _ = try DistillationRun(request).run(
                        onEvent: { if case .step = $0 { seen += 1 } },
                        stopRequest: { seen >= steps ? .checkpoint : nil })
                }
            }
            _ = try DistillationRun(request).run()
            return try Support.bytes(AutoModel.load(from: request.output).model)
        }
        #expect(try run("whole", stopAfter: nil) == run("stopped", stopAfter: 7))
    }
}

extension PredictionAnalysis.Sample {
    /// The student's answer, as optional as the others.
    fileprivate var ownAnswer: String? { student }
}
