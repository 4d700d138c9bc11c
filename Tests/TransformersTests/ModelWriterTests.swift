import Files
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Transformers

@Suite("Saving models")
struct ModelWriterTests {
    @Test("a saved model has the same file of weights, byte for byte, and the same configuration")
    func identical() throws {
        try withTemporaryDirectory { directory in
            let source = fixture("bert-tiny")
            let model = try AutoModel.load(from: source).model
            let saved = directory.appending(path: "new/model")
            try ModelWriter.save(model, to: saved)
            let name = "model.safetensors"
            #expect(
                try Data(contentsOf: saved.appending(path: name))
                    == Data(contentsOf: source.appending(path: name)))

            // Only what a classifier's configuration must say was added.
            var json = try #require(
                try JSONValue.load(contentsOf: saved.appending(path: "config.json")).objectValue)
            let original = try JSONValue.load(contentsOf: source.appending(path: "config.json")).objectValue
            #expect(json["problem_type"] == "single_label_classification")
            json["problem_type"] = nil
            #expect(json == original)
        }
    }

    @Test(
        "a problem type that is asked for is saved with the model, and found again",
        arguments: TaskIdentifier.sequenceTasks)
    func problemType(_ type: TaskIdentifier) throws {
        try withTemporaryDirectory { directory in
            let names = type == .regression ? ["LABEL_0"] : ["a", "b", "c", "d", "e"]
            let model = try AutoModel.load(
                from: fixture("bert-tiny"), labelNames: names, task: type, ignoreMismatchedSizes: true
            ).model
            #expect(model.configuration.task == type)
            let saved = directory.appending(path: "model")
            try ModelWriter.save(model, to: saved)
            let again = try AutoModel.load(from: saved).model
            #expect(again.configuration.task == type && again.configuration.labelNames == names)
            #expect(again.configuration == model.configuration)
        }
    }

    @Test(
        "whatever it was read from, a model is saved under its own names",
        arguments: [
            "bert-tiny-legacy", "bert-tiny-sharded", "bert-base-prefixless", "bert-tiny-float16",
        ])
    func roundTrip(_ variant: String) throws {
        try withTemporaryDirectory { directory in
            let model = try AutoModel.load(from: fixture(variant)).model
            try ModelWriter.save(model, to: directory)
            let (again, report) = try AutoModel.load(from: directory)
            #expect(report == LoadReport(newlyInitialized: [], unused: []))
            #expect(try bytes(again) == bytes(model))
            #expect(again.configuration == model.configuration)
            let checkpoint = try SafetensorsCheckpoint(directory: directory)
            let expected = try SafetensorsCheckpoint(directory: fixture("bert-tiny"))
            #expect(checkpoint.names.sorted() == expected.names.sorted())
            #expect(checkpoint.tensors.allSatisfy { $0.dtype == .float32 })
            #expect(checkpoint.files[0].metadata == ["format": "pt"])
        }
    }

    @Test("a model in training is saved as it is")
    func training() throws {
        try withTemporaryDirectory { directory in
            let model = try smallModel()
            let optimiser = try AdamW(model.parameters, weightDecay: 0.01)
            let before = try bytes(model)
            try model(batch([[2, 9, 3]]), dropout: DropoutState(seed: 1), selecting: []).logits
                .crossEntropy(Tensor([1])).backward()
            try optimiser.step(learningRate: 0.01)
            try ModelWriter.save(model, to: directory)
            let saved = try bytes(AutoModel.load(from: directory).model)
            #expect(try saved == bytes(model))
            #expect(saved != before)
        }
    }

    @Test("a directory that cannot be made is an error")
    func unwritable() throws {
        try withTemporaryDirectory { directory in
            let file = directory.appending(path: "file")
            try file.put("")
            #expect(throws: FileError.self) {
                try ModelWriter.save(smallModel(), to: file.appending(path: "model"))
            }
        }
    }
}
