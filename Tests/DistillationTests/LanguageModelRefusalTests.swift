import Foundation
import Testing

@testable import Distillation

@Suite("Language models are refused where classifiers are needed")
struct LanguageModelRefusalTests {
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent()
    private static let models = [
        tests.appending(path: "TransformersTests/Fixtures/decoders/llama"),
        tests.appending(path: "GGUFTests/Fixtures/qwen2.gguf"),
    ]

    @Test("as teachers, as models to fine-tune, as students", arguments: models)
    func refused(_ model: URL) throws {
        func expectRefusal(_ body: () throws -> Void) {
            let error = #expect(throws: (any Error).self, performing: body)
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains(model.lastPathComponent) && text.contains("is a language model"), "\(text)")
        }
        let output = FileManager.default.temporaryDirectory.appending(path: "distill-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        let data = DataRequest(train: Support.reviews)
        expectRefusal { _ = try LoadedModel(model) }
        expectRefusal {
            _ = try FineTuningRun(FineTuneRequest(model: model, data: data, output: output)).run()
        }
        expectRefusal {
            _ = try DistillationRun(DistillRequest(teacher: model, data: data, output: output)).run()
        }
        if model.pathExtension != "gguf" {
            expectRefusal {
                var request = DistillRequest(teacher: Support.teacher, data: data, output: output)
                request.student.directory = model
                _ = try DistillationRun(request).run()
            }
        }
        #expect(!FileManager.default.fileExists(atPath: output.path))
    }
}
