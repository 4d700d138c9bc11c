import Foundation
import TestSupport
import Testing
import Transformers

@testable import Distillation

/// What a run records of its request is a request that makes the same run.
@Suite("Recorded requests")
struct RecordedRequestTests {
    private func request(_ change: (inout DistillRequest) -> Void = { _ in }) -> DistillRequest {
        var request = DistillRequest(
            teacher: Support.teacher, data: DataRequest(train: Support.reviews),
            output: URL(filePath: "/nowhere/student"))
        change(&request)
        return request
    }

    /// The request as it is read from the record of a run.
    private func again(_ request: DistillRequest, _ task: TaskIdentifier) throws -> DistillRequest {
        let again = try DistillRequest(request.resolved(for: task).settings)
        try again.requireFitting(task)
        return again
    }

    @Test("a record of any task's run is taken again", arguments: TaskIdentifier.allCases)
    func tasks(_ task: TaskIdentifier) throws {
        let soft = ObjectiveSpecification(task.definition.softObjective)
        let variants = [
            request(), request { $0.student.directory = Support.teacher },
            request { $0.objectives = [soft] },
            request { $0.stages = [TrainingStage(objectives: [soft])] },
            request { $0.student.layers = 1 },
        ]
        for (index, variant) in variants.enumerated() {
            let again = try again(variant, task)
            #expect(again.student.directory == variant.student.directory, "\(task) \(index)")
            #expect(again.plan(task) == variant.plan(task), "\(task) \(index)")
        }
    }

    @Test("the default of an alpha is an alpha that was asked for, where tasks tell both apart")
    func alpha() throws {
        func objectives(_ task: TaskIdentifier, _ alpha: Schedule?) throws -> [String] {
            let request = request {
                $0.statedAlpha = alpha
                if task.definition.predictsTokens { $0.onPolicy = OnPolicyOptions(fraction: 0.5) }
            }
            #expect(try again(request, task).plan(task) == request.plan(task))
            return request.plan(task)[0].objectives.map(\.name)
        }
        for (task, alone) in [
            (TaskIdentifier.causalLanguageModel, "jensen_shannon"),
            (.ranking, TaskIdentifier.ranking.definition.softObjective),
        ] {
            #expect(try objectives(task, nil) == [alone])
            #expect(try objectives(task, 0.7).count == 2)
            #expect(try objectives(task, 0.7) == objectives(task, 0.6))
        }
    }

    @Test("alpha and temperature beside objectives are refused")
    func refusals() throws {
        let kl = ObjectiveSpecification("kl")
        for (name, request) in [
            (
                "alpha",
                request {
                    $0.objectives = [kl]
                    $0.alpha = 0.7
                }
            ),
            (
                "temperature",
                request {
                    $0.stages = [TrainingStage(objectives: [kl])]
                    $0.temperature = 4
                }
            ),
        ] {
            let error = #expect(throws: DistillationError.self) { try request.requireFitting(.singleLabel) }
            #expect(error?.description.hasPrefix("\(name) is of the default objectives") == true)
        }
    }

    @Test("options that would change nothing are refused")
    func withoutEffect() throws {
        let kl = ObjectiveSpecification("kl")
        func message(
            _ task: TaskIdentifier = .singleLabel, _ change: (inout DistillRequest) -> Void
        ) throws -> String {
            let request = request { change(&$0) }
            do { try request.requireFitting(task) } catch { return "\(error)" }
            return ""
        }
        func weighted(_ request: inout DistillRequest) {
            (request.objectives, request.training.classWeights) = ([kl], "1, 5")
        }
        #expect(try message { weighted(&$0) }.hasPrefix("class_weights is of the default loss on the labels"))
        let smoothed = try message { ($0.objectives, $0.training.labelSmoothingFactor) = ([kl], 0.3) }
        #expect(smoothed.hasPrefix("label_smoothing_factor is of the default loss"))
        // The baseline has the default loss.
        let compared = try message {
            weighted(&$0)
            $0.baseline = true
        }
        #expect(compared.isEmpty)
        #expect(try message { $0.training.classWeights = "1, 5" }.isEmpty)
        let tokens = try message(.causalLanguageModel) { $0.training.labelSmoothingFactor = 0.3 }
        #expect(tokens.hasPrefix("label_smoothing_factor is for classes"))
        #expect(try message { $0.student.scoreActivation = .sigmoid }.hasPrefix("score_activation makes"))
        var training = TrainingArguments()
        training.earlyStoppingThreshold = 3
        let threshold = #expect(throws: DistillationError.self) { try training.validate() }
        #expect(threshold?.description.contains("give early_stopping_patience too") == true)
        for size in [0, -1] {
            var student = StudentOptions()
            student.embeddingSize = size
            let error = #expect(throws: DistillationError.self) { try student.validate() }
            #expect(error?.description == "embedding_size must be at least 1, got \(size)")
        }
    }

    @Test(
        "a language model that cannot be used is the only finding: its texts are not looked at as a classifier's"
    )
    func unusableTeacher() throws {
        try withTemporaryDirectory { folder in
            let tiny = try TinyLanguageModel(in: folder)
            let texts = folder.appending(path: "chats.jsonl")
            try TinyLanguageModel.conversations(to: texts)
            try FileManager.default.removeItem(at: tiny.directory.appending(path: "tokenizer.json"))
            var request = DistillRequest(
                teacher: tiny.directory, data: DataRequest(train: texts),
                output: folder.appending(path: "student"))
            request.cache.directory = folder.appending(path: "cache")
            let error = #expect(throws: (any Error).self) { try DistillationRun(request).run() }
            let message = error.map { "\($0)" } ?? ""
            #expect(message.contains("tokenizer") && !message.contains("column"), "\(message)")
        }
    }
}
