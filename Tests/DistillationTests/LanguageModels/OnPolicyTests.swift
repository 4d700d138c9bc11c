import Datasets
import Foundation
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Distillation

/// Steps on texts that the student writes itself.
@Suite("On-policy distillation")
struct OnPolicyTests {
    private let scratch = FileManager.default.temporaryDirectory.appending(
        path: "distill-\(UUID().uuidString)")
    private var data: URL { scratch.appending(path: "chats.jsonl") }

    private func request(_ output: String = "student") throws -> DistillRequest {
        try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
        try TinyLanguageModel.conversations(to: data)
        let teacher = try TinyLanguageModel(in: scratch).directory
        var request = DistillRequest(
            teacher: teacher, data: DataRequest(train: data), output: scratch.appending(path: output))
        request.student.layers = 3
        request.training.numTrainEpochs = 2
        request.training.learningRate = 3e-3
        request.training.perDeviceTrainBatchSize = 8
        request.training.loggingSteps = 1
        request.precision = .float32
        request.cache.directory = scratch.appending(path: "cache")
        request.reportExamples = 0
        var onPolicy = OnPolicyOptions(fraction: 0.5)
        onPolicy.maxNewTokens = 8
        request.onPolicy = onPolicy
        return request
    }

    /// The names of each step's terms.
    private func terms(_ request: DistillRequest) throws -> (report: RunReport, steps: [[String]]) {
        var steps: [[String]] = []
        let report = try DistillationRun(request).run(onEvent: {
            if case .step(let metrics) = $0 { steps.append(metrics.terms.names) }
        })
        return (report, steps)
    }

    @Test("without other objectives the student comes nearer to its teacher by the Jensen–Shannon divergence")
    func run() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request()
        request.training.numTrainEpochs = 6
        request.onPolicy?.fraction = 1
        let (report, steps) = try terms(request)
        #expect(steps.count > 20 && steps.allSatisfy { $0 == ["jensen_shannon"] }, "\(steps)")
        let divergences = report.epochs.compactMap { $0.validation[.kl] }
        #expect(divergences.count > 2 && divergences.last! < divergences[0], "\(divergences)")
        // What training tells of the data tells nothing where it has none.
        #expect(report.epochs.allSatisfy { $0.train[.accuracy] == nil })
    }

    @Test("labels count on the data's texts alone, and each objective on those that it is for")
    func texts() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request()
        request.objectives = try [
            "skew_kl(texts = data)", "skew_reverse_kl(texts = student)", "cross_entropy",
        ]
        .map { try ObjectiveSpecification(text: $0) }
        let (_, steps) = try terms(request)
        let (ofData, ofStudent) = (["skew_kl", "cross_entropy"], ["skew_reverse_kl"])
        #expect(steps.allSatisfy { $0 == ofData || $0 == ofStudent }, "\(steps)")
        #expect(steps.contains(ofData) && steps.contains(ofStudent), "\(steps)")
    }

    @Test(
        "a stopped run goes on to the same bits, also between two steps whose texts were written together",
        arguments: [1, 4])
    func resumed(_ refresh: Int) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        func run(_ output: String, stopAfter steps: Int?) throws -> [String: [UInt8]] {
            var request = try request(output)
            request.onPolicy?.fraction = 0.8
            request.onPolicy?.refreshSteps = refresh
            return try Support.weights(of: request, stoppedAfter: steps)
        }
        #expect(try run("whole", stopAfter: nil) == run("stopped", stopAfter: 3))
    }

    @Test("two processes make a run of which both have the same report")
    func processes() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request()
        request.training.numTrainEpochs = 1
        let shared = request
        let reports = try Together.run(2) { try DistillationRun(shared).run(processes: $0) }
        #expect(reports[0] == reports[1] && reports[0].steps > 3)
    }

    private static let refusals: [(@Sendable (inout DistillRequest) throws -> Void, String)] = [
        ({ $0.onPolicy?.fraction = 1.5 }, "on_policy is the probability"),
        ({ $0.onPolicy?.temperature = -1 }, "on_policy_temperature"),
        ({ $0.onPolicy?.maxNewTokens = 0 }, "on_policy_max_new_tokens"),
        ({ $0.onPolicy?.refreshSteps = 0 }, "on_policy_refresh"),
        ({ $0.quantizeAware = true }, "quantize_aware"),
        ({ $0.teacherLogprobs = [$0.data.train] }, "--teacher-logprobs"),
        ({ $0.objectives = [try .init(text: "cross_entropy")] }, "none of the objectives (cross_entropy)"),
        ({ $0.objectives = [try .init(text: "kl(texts = student)")] }, "on_policy is 0.5, but"),
        (
            { $0.objectives = [try .init(text: "kl"), try .init(text: "cross_entropy(texts = all)")] },
            "labels of the student's texts"
        ),
        (
            {
                $0.objectives = [try .init(text: "kl(texts = data)")]
                $0.onPolicy = nil
            }, "the student writes none"
        ),
    ]

    @Test("what does not fit is refused by name", arguments: refusals.indices)
    func refused(_ index: Int) throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        let (change, part) = Self.refusals[index]
        var request = try request()
        try change(&request)
        let error = #expect(throws: (any Error).self) { _ = try DistillationRun(request).run() }
        #expect("\(error.map { "\($0)" } ?? "")".contains(part), "\(String(describing: error))")
    }

    @Test("other models write no texts")
    func classifier() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request()
        request.teachers = [TeacherRequest(Support.teacher)]
        request.data = DataRequest(train: Support.reviews)
        let error = #expect(throws: (any Error).self) { _ = try DistillationRun(request).run() }
        #expect("\(error.map { "\($0)" } ?? "")".contains("--on-policy lets a language model write"))
    }

    @Test("settings are read as they are written; those of the student's texts need on_policy")
    func settings() throws {
        defer { try? FileManager.default.removeItem(at: scratch) }
        var request = try request()
        request.onPolicy?.refreshSteps = 7
        request.objectives = [try .init(text: "kl(weight = 0.5, texts = student, temperature = 2)")]
        let read = try DistillRequest(request.settings)
        #expect(read.onPolicy == request.onPolicy && read.objectives == request.objectives)
        request.onPolicy = nil
        var lone = request.settings
        lone.override("on_policy_refresh", 2)
        let error = #expect(throws: SettingsError.self) { _ = try DistillRequest(lone) }
        #expect(error?.description.contains("give them with on_policy") == true)
        #expect(throws: DistillationError.self) { try ObjectiveSpecification(text: "kl(texts = both)") }
    }
}
