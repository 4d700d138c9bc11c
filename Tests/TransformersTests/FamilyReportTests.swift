import Files
import Foundation
import JSON
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Transformers

/// What `scripts/models.py` makes docs/models.md from: the differences that the other suites only hold to a limit.
@Suite(
    "Measured differences from transformers",
    .enabled(if: ProcessInfo.processInfo.environment["MODELS_REPORT"] != nil))
struct FamilyReportTests {
    /// Fixtures by their directories.
    static let models = GoldenTests.variants + FamilyGoldenTests.names.map { "families/\($0)" }

    @Test("logits, gradients and tensors of every fixture", arguments: models)
    func measure(_ name: String) throws {
        let target = URL(filePath: try #require(ProcessInfo.processInfo.environment["MODELS_REPORT"]))
        let golden = try Golden(name)
        let model = try AutoModel.load(from: fixture(name)).model
        let logits = try model(golden.input, dropout: nil, selecting: []).logits
        let logitsError = try relativeError(logits, golden["logits"])
        try logits.crossEntropy(golden["labels"]).backward()
        let rounding = try golden.roundingLimit()
        var (gradientError, compared) = (0.0, 0)
        for parameter in golden.gradientNames {
            let expected = try golden["grad.\(parameter)"]
            let own = try #require(try model.parameters[parameter]?.gradient, "\(parameter)")
            // Gradients that are zero but for rounding, as those of a key's bias, have no relative error.
            guard try expected.absolute().max().item() >= rounding else { continue }
            gradientError = max(gradientError, try relativeError(own, expected))
            compared += 1
        }
        #expect(logitsError <= 1e-4 && gradientError <= 1e-4)
        let tensors = try SavedTensors(model, as: fixture(name))
        let record: JSONObject = [
            "name": .string(name), "family": .string(model.configuration.modelType),
            "logits_error": .number(logitsError), "gradient_error": .number(gradientError),
            "gradients": .integer(compared), "tensors": .integer(tensors.all),
            "equal_tensors": .integer(tensors.equal),
        ]
        let file = target.appending(path: "model-\(name.replacing("/", with: "-")).json")
        try Data(JSONValue.object(record).serialized().utf8).write(to: file)
    }
}
