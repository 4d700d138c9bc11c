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
