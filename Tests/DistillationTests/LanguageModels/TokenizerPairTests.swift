import Foundation
import Testing
import Transformers

@testable import Distillation

/// Language models taught by teachers with other tokenizers.
@Suite("Language models learn across tokenizers")
struct TokenizerPairTests {
    private let pair = TokenizerPair()

    private func terms(_ report: RunReport, _ name: String) -> [Double] {
        report.epochs.compactMap { $0.trainTerms.first { $0.name == name }?.value }
    }

    @Test("it learns spans of the teacher's texts, live and from the cache", arguments: ["begin", "pieces"])
    func learning(tokenizer: String) throws {
        defer { pair.remove() }
        var request = try pair.request(
            tokenizer, ["gold(matched = 0.5)", "uld(weight = 0.2)"])
        request.training.numTrainEpochs = 4
        request.baseline = true
        var notes: [String] = []
        let report = try DistillationRun(request).run { event in
            if case .note(let text) = event { notes.append(text) }
        }
        #expect(notes.contains { $0.contains("are in spans that both divide") }, "\(notes)")
        let losses = report.epochs.map(\.trainLoss)
        #expect(losses.count == 4 && terms(report, "gold").count == 4)
        #expect(try #require(losses.last) < #require(losses.first), "\(losses)")
        // Nothing is said of what cannot be compared.
        #expect(report.comparison == nil && report.student.metrics[.kl] == nil)
        #expect(report.student.metrics[.agreement] == nil && report.student.metrics[.bitsPerByte] != nil)
        #expect(report.teacher?.metrics[.bitsPerByte] != nil && report.teacher?.metrics[.kl] == nil)
        #expect(report.gain?.all.map(\.metric) == [.bitsPerByte, .perplexity])
        let alignment = try #require(report.alignment)
        #expect(alignment.coverage > 0.5 && alignment.coverage <= 1 && alignment.sharedTokens > 0)
        #expect(alignment.singleTokenSpans >= 0 && alignment.singleTokenSpans <= 1)

        request.output = pair.scratch.appending(path: "again")
        request.baseline = false
        let cached = try DistillationRun(request).run()
        request.output = pair.scratch.appending(path: "live")
        request.cache.teacherOutputs = false
        let live = try DistillationRun(request).run()
        #expect(cached.epochs.map(\.trainLoss) == report.epochs.map(\.trainLoss))
        #expect(live.epochs.map(\.trainLoss) == report.epochs.map(\.trainLoss))

        var evaluation = EvaluateRequest(model: request.output, data: pair.data)
        evaluation.teacher = request.teachers[0].directory
        evaluation.cache.directory = request.cache.directory
        let evaluated = try EvaluationRun(evaluation).run()
        #expect(evaluated.comparison == nil && evaluated.model.metrics[.kl] == nil)
        #expect(
            evaluated.model.metrics[.bitsPerByte] != nil && evaluated.teacher?.metrics[.bitsPerByte] != nil)
    }

    @Test("micro-batches and processes add up to the loss of one batch")
    func parts() throws {
        defer { pair.remove() }
        var request = try pair.request("begin", ["gold(matched = 0.5)", "uld"])
        request.training.numTrainEpochs = 1
        request.precision = .float32
        // The same texts are a step's, whatever the size of micro-batches.
        request.training.groupByLength = false
        let whole = try DistillationRun(request).run().epochs.map(\.trainLoss)
        request.training.perDeviceTrainBatchSize = 2
        request.training.gradientAccumulationSteps = 4
        request.output = pair.scratch.appending(path: "accumulated")
        let accumulated = try DistillationRun(request).run().epochs.map(\.trainLoss)
        request.training.perDeviceTrainBatchSize = 8
        request.training.gradientAccumulationSteps = 1
        request.output = pair.scratch.appending(path: "shared")
        let shared = request
        let reports = try Together.run(2) { try DistillationRun(shared).run(processes: $0) }
        #expect(reports[0] == reports[1])
        for (own, other) in zip(whole, accumulated) { #expect(abs(own - other) < 1e-4 * own) }
        for (own, other) in zip(whole, reports[0].epochs.map(\.trainLoss)) {
            #expect(abs(own - other) < 1e-4 * own)
        }
    }

    @Test("a stopped run goes on to the same bits")
    func resumed() throws {
        defer { pair.remove() }
        func run(_ output: String, stopAfter steps: Int?) throws -> [String: [UInt8]] {
            var request = try pair.request()
            request.output = pair.scratch.appending(path: output)
            return try Support.weights(of: request, stoppedAfter: steps)
        }
        #expect(try run("whole", stopAfter: nil) == run("stopped", stopAfter: 4))
    }

    @Test("documents that both cut at other places are compared over all of their pieces")
    func documents() throws {
        defer { pair.remove() }
        let words = ["one", "two", "three", "four", "it", "is", "name"]
        let texts = (0..<16).map { text in
            (0..<40).map { words[($0 * (text + 2) + text) % words.count] }.joined(separator: " ")
                + (text % 4 == 0 ? " 🙂 é 🙂 it is" : "")
        }
        var request = try pair.request("pieces", ["gold(matched = 0.5)"], texts: texts)
        request.training.numTrainEpochs = 1
        request.data.maxLength = 50
        var notes: [String] = []
        let report = try DistillationRun(request).run { event in
            if case .note(let text) = event { notes.append(text) }
        }
        let note = try #require(notes.first { $0.contains("are in spans that both divide") })
        let percent = try #require(note.firstMatch(of: /: (\d+)\.\d %/).flatMap { Int($0.1) })
        // What is left out is at the ends of pieces.
        #expect(percent >= 80, "\(note)")
        #expect(terms(report, "gold").allSatisfy { $0.isFinite && $0 > 0 })
    }

    @Test("what does not fit is refused by name")
    func refusals() throws {
        defer { pair.remove() }
        func refusal(_ request: DistillRequest) -> String {
            let error = #expect(throws: (any Error).self) { try DistillationRun(request).run() }
            return error.map { "\($0)" } ?? ""
        }
        #expect(try refusal(pair.request("begin", [])).contains("use gold or uld"))
        #expect(
            try refusal(pair.request("begin", ["hidden_mse"])).contains("hidden_mse compares token by token"))
        var same = try pair.request("begin", ["gold"])
        same.student.directory = nil
        #expect(refusal(same).contains("gold is for a teacher with another tokenizer"))
        var form = try pair.request()
        form.teacherStates = .topK(4)
        #expect(refusal(form).contains("use float16, int8 or float32"))
        var onPolicy = try pair.request()
        onPolicy.onPolicy = OnPolicyOptions(fraction: 0.5)
        #expect(refusal(onPolicy).contains("on_policy: the teacher cannot read what the student writes"))
    }

    @Test("the options of both are checked")
    func options() throws {
        func refusal(_ text: String) -> String {
            let error = #expect(throws: (any Error).self) {
                try ObjectiveRegistry.standard.make(ObjectiveSpecification(text: text))
            }
            return error.map { "\($0)" } ?? ""
        }
        #expect(refusal("uld(beta = 0.5)").contains("beta"))
        #expect(refusal("gold(beta = 1.5)").contains("beta must be"))
        #expect(refusal("gold(matched = 2)").contains("matched must be"))
        #expect(refusal("gold(merge = last)").contains("merge must be"))
    }
}
