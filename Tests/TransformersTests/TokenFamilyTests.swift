import Files
import Foundation
import Testing
import Torch

@testable import Transformers

/// Tiny token classifiers of every family, which `scripts/fixtures/token_families.py` writes with what transformers computes.
@Suite("Token classifiers of every family agree with transformers")
struct TokenFamilyTests {
    static let names = [
        "bert", "distilbert", "roberta", "xlm-roberta", "camembert", "electra", "albert", "mpnet",
        "deberta-v3",
        "deberta-v2", "modernbert",
    ]

    private static func directory(_ name: String) -> URL { fixture("token-families").appending(path: name) }

    @Test("a fixture for every family, and none left out")
    func fixtures() throws {
        let there = try FileManager.default.contentsOfDirectory(atPath: fixture("token-families").path)
        #expect(there.sorted() == Self.names.sorted())
        let families = try Self.names.map { try ModelConfiguration(contentsOf: Self.directory($0)).modelType }
        #expect(Set(families) == Set(ModelFamily.all.filter { !$0.isDecoder }.map(\.modelType)))
    }

    /// The batch without padding, its labels and the logits that transformers has for its tokens.
    private func batch(_ golden: Golden) throws -> (input: PackedInput, labels: Tensor, logits: Tensor) {
        let input = try #require(try golden.input.packed())
        let places = try input.places(device: .cpu)
        let logits = try golden["logits"]
        return (
            input, try golden["labels"].reshaped([-1]).indexSelect(dimension: 0, places),
            try logits.reshaped([-1, logits.size(2)]).indexSelect(dimension: 0, places)
        )
    }

    @Test("logits of all tokens, of some, loss and every gradient", arguments: names)
    func everything(_ name: String) throws {
        let golden = try Golden("token-families/\(name)")
        let (model, report) = try AutoModel.load(from: Self.directory(name))
        #expect(report == LoadReport(newlyInitialized: [], unused: []))
        #expect(model.configuration.task == .tokenClassification)
        let (input, labels, expected) = try batch(golden)
        let logits = try model(input).logits
        try expectClose(logits, expected, "logits")
        let loss = try logits.crossEntropy(labels, ignoreIndex: -100)
        try expectClose(loss, golden["loss"], "loss")
        try loss.backward()
        #expect(model.parameters.names.sorted() == golden.gradientNames)
        let rounding = try golden.roundingLimit()
        for entry in model.parameters.entries {
            let gradient = try #require(try entry.tensor.gradient, "\(entry.name) has no gradient")
            let expected = try golden["grad.\(entry.name)"]
            if try expected.absolute().max().item() < rounding {
                #expect(try gradient.absolute().max().item() < rounding, "\(entry.name)")
            } else {
                try expectClose(gradient, expected, entry.name)
            }
        }
        var some = input
        some.rows = [1, 4, 13, 20]
        let rows = try Tensor([1, 4, 13, 20])
        try expectClose(model(some).logits, expected.indexSelect(dimension: 0, rows), "logits of some tokens")
        some.rows = [99]
        expectRefusal("99", "26 tokens") { _ = try model(some) }
    }

    @Test("a model is saved under transformers' class, and read again with the same bytes", arguments: names)
    func saved(_ name: String) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "distill-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let model = try AutoModel.load(from: Self.directory(name)).model
        try ModelWriter.save(model, to: folder)
        let again = try AutoModel.load(from: folder)
        #expect(again.report == LoadReport(newlyInitialized: [], unused: []))
        #expect(again.model.configuration.task == .tokenClassification)
        #expect(again.model.configuration.labelNames == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER"])
        #expect(try bytes(again.model) == bytes(model))
    }

    @Test("a head of another kind is not taken for one of this", arguments: names)
    func otherHead(_ name: String) throws {
        let (model, report) = try AutoModel.load(from: Self.directory(name), task: .singleLabel)
        #expect(model.configuration.task == .singleLabel)
        #expect(report.newlyInitialized.contains { $0.hasPrefix("classifier.") })
    }
}
