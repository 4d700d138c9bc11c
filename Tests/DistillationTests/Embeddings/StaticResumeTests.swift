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
        "its tokens' vectors come from the cache, its weights are the same, and another teacher's or weighting's are refused"
    )
    func goesOn() throws {
        try withTemporaryDirectory { folder in
            var whole = try request(in: folder)
            whole.cache.directory = folder.appending(path: "cache")
            var parts = whole
            parts.output = folder.appending(path: "parts")
            whole.cache.teacherOutputs = false
            _ = try DistillationRun(whole).run()
            var notes: [String] = []
            func run(_ request: DistillRequest, steps: Int = .max) throws {
                notes = []
                let taken = Counter()
                _ = try DistillationRun(request).run(
                    onEvent: {
                        if case .note(let text) = $0, text.contains("vectors of tokens") {
                            notes.append(text)
                        }
                        if case .progress(let now) = $0, now.unit == "step" { taken.value += 1 }
                    }, stopRequest: { taken.value >= steps ? .checkpoint : nil })
            }
            func note(cached: Int) -> String {
                "\(cached) of the teacher's 195 vectors of tokens came from the cache, \(195 - cached) were computed."
            }
            #expect(throws: InterruptedError.self) { try run(parts, steps: 5) }
            #expect(notes == [note(cached: 0)])
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
            try run(parts)
            #expect(notes == [note(cached: 195)])
            func table(_ output: URL) throws -> Data {
                try Data(contentsOf: output.appending(path: "model.safetensors"))
            }
            #expect(try table(parts.output) == table(whole.output))
        }
    }
}
