import Files
import Foundation
import TestSupport
import Testing

@testable import Distillation

@Suite("Classes of models that are not read")
struct UnknownClassTests {
    @Test("a class with another head is an error that names it, though the weights have a classifier's names")
    func unknownClass() throws {
        try withTemporaryDirectory { folder in
            let model = folder.appending(path: "model")
            try FileManager.default.copyItem(at: Support.teacher, to: model)
            let config = model.appending(path: "config.json")
            let text = try String(contentsOf: config, encoding: .utf8)
            let changed = text.replacing("BertForSequenceClassification", with: "BertForMultipleChoice")
            try #require(changed != text)
            try Data(changed.utf8).write(to: config)
            for open in [{ _ = try LoadedModel(model) }, { _ = try Predictor(model: model) }] {
                let error = #expect(throws: (any Error).self) { try open() }
                let message = error.map { "\($0)" } ?? ""
                #expect(
                    message.contains("config.json") && message.contains("BertForMultipleChoice"), "\(message)"
                )
                #expect(message.contains("BertForTokenClassification"), "\(message)")
            }
        }
    }
}
