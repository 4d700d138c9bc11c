import Distillation
import Foundation
import Testing

@testable import distill

@Suite("What names a model")
struct ModelReferenceTests {
    @Test(
        "a bare name that moved on the Hub is an error with the Hub's name",
        arguments: [
            ("bert-base-uncased", "google-bert/bert-base-uncased"),
            ("roberta-large-mnli", "FacebookAI/roberta-large-mnli"),
            ("distilbert-base-uncased@v1", "distilbert/distilbert-base-uncased@v1"),
            ("camembert-base", "almanach/camembert-base"),
        ])
    func moved(name: String, full: String) {
        let error = #expect(throws: DistillationError.self) { try ModelReference.directory(name) }
        #expect(error?.description.contains("no directory '\(name)'") == true)
        #expect(error?.description.contains(full) == true)
    }

    @Test("other bare names are paths, and a directory that is there wins")
    func paths() throws {
        #expect(try ModelReference.directory("my-model").lastPathComponent == "my-model")
        #expect(ModelReference.fullName(of: "my-model") == nil && ModelReference.fullName(of: "") == nil)
    }
}
