import Foundation
import TestSupport
import Testing

@testable import Distillation

/// A trained static student's run that was stopped, and goes on.
@Suite("Static students whose run goes on")
struct StaticResumeTests {
    private func request(in folder: URL) throws -> DistillRequest {
        var request = try EmbeddingFixture.request(
            in: folder, teacher: EmbeddingFixture.teacher(in: folder), texts: 60, output: "whole")
        request.student.table = StaticOptions()
        request.student.embeddingSize = 8
        request.training.numTrainEpochs = 3
        request.training.learningRate = 1e-2
        request.precision = .float32
        return request
    }

    @Test(
        "what precedes training is not computed again, weights and report are the same, and another teacher or weighting is refused"
    )
    func goesOn() throws {
        try withTemporaryDirectory { folder in
            var whole = try request(in: folder)
            whole.cache.directory = folder.appending(path: "cache")
            var parts = whole
            parts.output = folder.appending(path: "parts")
            whole.cache.teacherOutputs = false
            let expected = try #require(try DistillationRun(whole).run().embedding)
            var (notes, phases) = ([String](), [String]())
            func run(_ request: DistillRequest, steps: Int = .max) throws -> RunReport {
                (notes, phases) = ([], [])
                let taken = Counter()
                return try DistillationRun(request).run(
                    onEvent: {
                        if case .phaseStarted(let name) = $0 { phases.append(name) }
                        if case .note(let text) = $0, text.contains("vectors of tokens") {
                            notes.append(text)
                        }
                        if case .progress(let now) = $0, now.unit == "step" { taken.value += 1 }
                    }, stopRequest: { taken.value >= steps ? .checkpoint : nil })
            }
            func note(cached: Int) -> String {
                "\(cached) of the teacher's 195 vectors of tokens came from the cache, \(195 - cached) were computed."
            }
            let initial = "Evaluating the student before training"
            #expect(throws: InterruptedError.self) { try run(parts, steps: 5) }
            #expect(notes == [note(cached: 0)] && phases.contains(initial))
            parts.checkpoints.resume = .latest
            let weights = whole.teacher.appending(path: "model.safetensors")
            let bytes = try Data(contentsOf: weights)
            var changed = bytes
            changed[changed.count - 1] ^= 1
            try changed.write(to: weights, options: .atomic)
            #expect(throws: ResumeError.self) { try run(parts) }
            #expect(notes == [note(cached: 0)])
            try bytes.write(to: weights, options: .atomic)
            var other = parts
            other.student.table?.sif = 1e-3
            #expect(throws: ResumeError.self) { try run(other) }
            let report = try run(parts)
            #expect(notes == [note(cached: 195)] && phases.contains("Training") && !phases.contains(initial))
            #expect(report.embedding == expected && expected.initial != nil)
            func table(_ output: URL) throws -> Data {
                try Data(contentsOf: output.appending(path: "model.safetensors"))
            }
            #expect(try table(parts.output) == table(whole.output))
        }
    }
}
