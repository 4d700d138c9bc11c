import Files
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Transformers

/// What `scripts/models.py` makes the language models' table of docs/models.md from.
@Suite(
    "Measured differences from transformers, of language models",
    .enabled(if: ProcessInfo.processInfo.environment["MODELS_REPORT"] != nil))
struct DecoderReportTests {
    @Test("logits, loss, gradients and tensors of every fixture", arguments: DecoderGoldenTests.names)
    func measure(_ name: String) throws {
        let target = URL(filePath: try #require(ProcessInfo.processInfo.environment["MODELS_REPORT"]))
        let golden = try DecoderGoldenTests.Numbers(name)
        let model = try AutoModel.load(from: DecoderGoldenTests.directory(name)).model
        let logitsError = try relativeError(model(golden.input).logits, golden["logits"])
        var input = golden.input
        let (rows, targets) = golden.next
        input.rows = rows
        let loss = try model(input).logits.crossEntropy(Tensor(targets))
        let lossError = try relativeError(loss, golden["loss"])
        try loss.backward()
        let names = model.parameters.names
        let largest = try names.map { try golden["grad.\($0)"].absolute().max().item() }.max() ?? 0
        var (gradientError, compared) = (0.0, 0)
        for entry in model.parameters.entries {
            let expected = try golden["grad.\(entry.name)"]
            // Gradients that are zero but for rounding, as those of a key's bias, have no relative error.
            guard try expected.absolute().max().item() >= 1e-5 * largest else { continue }
            let own = try #require(try entry.tensor.gradient, "\(entry.name)")
            gradientError = max(gradientError, try relativeError(own, expected))
            compared += 1
        }
        #expect(logitsError <= 1e-4 && lossError <= 1e-4 && gradientError <= 1e-4)
        let tensors = try SavedTensors(model, as: DecoderGoldenTests.directory(name))
        let record: JSONObject = [
            "name": .string(name), "family": .string(model.configuration.modelType),
            "logits_error": .number(logitsError), "loss_error": .number(lossError),
            "gradient_error": .number(gradientError), "gradients": .integer(compared),
            "tensors": .integer(tensors.all), "equal_tensors": .integer(tensors.equal),
        ]
        let file = target.appending(path: "decoder-\(name).json")
        try Data(JSONValue.object(record).serialized().utf8).write(to: file)
    }
}

/// How many tensors have the bytes of those that were read, when a model is saved.
struct SavedTensors {
    private(set) var (all, equal) = (0, 0)

    init(_ model: TransformerModel, as source: URL) throws {
        try withTemporaryDirectory { target in
            try ModelWriter.save(model, to: target)
            let before = try SafetensorsCheckpoint(directory: source)
            let after = try SafetensorsCheckpoint(directory: target)
            for tensor in before.names {
                all += 1
                guard after.info(tensor) != nil else { continue }
                if try Array(before.bytes(of: tensor)) == Array(after.bytes(of: tensor)) { equal += 1 }
            }
        }
    }
}
