import Foundation
import Testing

@testable import Distillation

@Suite("Language models are refused where classifiers are needed")
struct LanguageModelRefusalTests {
    private static let tests = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    private static let models = [
        tests.appending(path: "TransformersTests/Fixtures/decoders/llama"),
        tests.appending(path: "GGUFTests/Fixtures/qwen2.gguf"),
    ]

    @Test("as classifiers and as an encoder's student", arguments: models)
    func refused(_ model: URL) throws {
        func expectRefusal(_ part: String, _ body: () throws -> Void) {
            let error = #expect(throws: (any Error).self, performing: body)
            let text = error.map { "\($0)" } ?? ""
            #expect(text.contains(model.lastPathComponent) && text.contains(part), "\(text)")
        }
        let output = FileManager.default.temporaryDirectory.appending(path: "distill-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: output) }
        expectRefusal("is a language model") { _ = try LoadedModel(model) }
        expectRefusal("is a language model, unlike the teacher") {
            var request = DistillRequest(
                teacher: Support.teacher, data: DataRequest(train: Support.reviews), output: output)
            request.student.directory = model
            _ = try DistillationRun(request).run()
        }
        #expect(!FileManager.default.fileExists(atPath: output.path))
    }
}
