import Deployment
import Files
import Foundation
import Quantization
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

    @Test("quantize and export say what to do instead, and leave nothing", arguments: models)
    func deployment(_ model: URL) throws {
        let output = FileManager.default.temporaryDirectory.appending(path: "distill-\(UUID().uuidString)")
        func expectRefusal(_ part: String, _ body: () throws -> Void) {
            let error = #expect(throws: DistillationError.self, performing: body)
            let text = error?.description ?? ""
            #expect(
                text.contains("\(model.lastPathComponent): is a language model") && text.contains(part),
                "\(text)")
            #expect(!text.contains("\n") && !FileManager.default.fileExists(atPath: output.path))
        }
        expectRefusal("distill export --format gguf --outtype q8_0") {
            _ = try QuantizationRun(QuantizeRequest(model: model, output: output)).run()
        }
        for format in ["onnx", "safetensors"] {
            for check in [true, false] {
                var request = ExportRequest(model: model, output: output)
                request.format = format
                request.check = check
                expectRefusal("AutoModelForCausalLM") { _ = try ExportRun(request).run() }
            }
        }
    }

    @Test("columns of another kind of model are refused by their option")
    func columns() throws {
        func expectRefusal(_ option: String, _ predictsTokens: Bool, _ change: (inout DataColumns) -> Void) {
            var columns = DataColumns()
            change(&columns)
            let error = #expect(throws: DistillationError.self) {
                try columns.requireFitting(predictsTokens: predictsTokens)
            }
            #expect(error?.description.hasPrefix(option) == true, "\(error?.description ?? "")")
            #expect(throws: Never.self) { try columns.requireFitting(predictsTokens: !predictsTokens) }
        }
        expectRefusal("--label-column", true) { $0.label = "class" }
        expectRefusal("--text-pair-column", true) { $0.pair = "second" }
        expectRefusal("--label-separator", true) { $0.labelSeparator = ";" }
        expectRefusal("--delimiter", true) { $0.delimited.quoting = .off }
        expectRefusal("--messages-column", false) { $0.messages = "chat" }
        expectRefusal("--prompt-column", false) { $0.prompt = "question" }
        expectRefusal("--completion-column", false) { $0.completion = "answer" }
        #expect(throws: Never.self) { try DataColumns().requireFitting(predictsTokens: true) }
    }
}
