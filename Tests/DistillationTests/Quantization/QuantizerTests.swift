import Foundation
import Safetensors
import Testing
import Torch
import Transformers

@testable import DistillRuntime
@testable import Distillation
@testable import Quantization

/// Models of one in floating point, with layers in int8.
@Suite("Quantizer")
struct QuantizerTests {
    private static let data = Support.dataset(count: 60)

    private static func method(
        _ change: (inout QuantizationMethod) -> Void = { _ in }
    ) -> QuantizationMethod {
        var method = QuantizationMethod()
        method.smallestMatrix = 0
        change(&method)
        return method
    }

    /// Two examples of one length in each batch.
    private static func sample() throws -> [PackedInput] {
        let lengths = data.lengths
        let groups = Dictionary(grouping: 0..<data.count) { lengths[$0] }
        return try groups.keys.sorted().map {
            try Batch(data, indices: Array((groups[$0] ?? []).prefix(8))).input
        }
    }

    private static func logits(_ model: TransformerModel) throws -> Logits {
        try #require(try Inference.logits(model, data, batchSize: 7))
    }

    @Test("every linear layer and table is found, in the model's order")
    func layers() throws {
        let model = try Support.model()
        let quantizer = try Quantizer(model, method: Self.method(), sample: try Self.sample())
        let names = quantizer.layers.map(\.name)
        #expect(names.count == 3 + 2 * 6 + 2)
        #expect(names.first == "bert.embeddings.word_embeddings" && names.last == "classifier")
        #expect(quantizer.layers.filter(\.isTable).count == 3)
        let kept = try Quantizer(
            model,
            method: Self.method {
                $0.embeddings = false
                $0.keep = ["bert.encoder.layer.1", "classifier"]
            }, sample: try Self.sample())
        #expect(kept.layers.map(\.name).allSatisfy { !$0.contains("layer.1") && !$0.contains("embeddings") })
        #expect(kept.layers.count == 6 + 1)
        #expect(throws: DistillationError.self) {
            try Quantizer(
                model, method: Self.method { $0.keep = ["bert.decoder"] }, sample: try Self.sample())
        }
        #expect(throws: DistillationError.self) {
            try Quantizer(
                model, method: Self.method { $0.smallestMatrix = 1 << 20 }, sample: try Self.sample())
        }
    }

    @Test(
        "an int8 model answers nearly as the model it was made of",
        arguments: QuantizationConfiguration.Activations.allCases, CalibrationMethod.allCases)
    func answers(
        activations: QuantizationConfiguration.Activations, calibration: CalibrationMethod
    ) throws {
        guard activations == .fixed || calibration == .minMax else { return }
        let model = try Support.model(hidden: 32)
        let before = try Self.logits(model)
        let quantizer = try Quantizer(
            model,
            method: Self.method {
                $0.activations = activations
                $0.calibration = calibration
            }, sample: try Self.sample())
        let int8 = try quantizer.model(Set(quantizer.layers.map(\.name)))
        #expect(int8.parameters.isQuantized)
        #expect(int8.parameters.elementCount == model.parameters.elementCount)
        let after = try Self.logits(int8)
        #expect(before != after)
        let spread = (before.values.max() ?? 0) - (before.values.min() ?? 0)
        let difference =
            zip(before.values, after.values).map { abs($0 - $1) }.reduce(0, +)
            / Float(before.values.count)
        // Fixed ranges of few examples cut more.
        try Learning.expect(
            "int8 \(activations), logits' difference", Double(difference / spread),
            below: activations == .fixed ? 0.05 : 0.02)
        try Learning.expect(
            "int8 \(activations), agreement", Evaluator.agreement(before, after), above: 0.9)
        // The model itself is as it was.
        #expect(try Self.logits(model) == before)
    }

    @Test(
        "what is saved is read as it was, by any batch size",
        arguments: QuantizationConfiguration.Activations.allCases)
    func saving(activations: QuantizationConfiguration.Activations) throws {
        let model = try Support.model(hidden: 32)
        let quantizer = try Quantizer(
            model, method: Self.method { $0.activations = activations }, sample: try Self.sample())
        let int8 = try quantizer.model(Set(quantizer.layers.map(\.name)).subtracting(["classifier"]))
        let directory = FileManager.default.temporaryDirectory.appending(path: "int8-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: directory) }
        try ModelWriter.save(int8, to: directory)
        let (loaded, report) = try AutoModel.load(from: directory)
        #expect(report.newlyInitialized.isEmpty && report.unused.isEmpty)
        #expect(loaded.configuration.quantization == int8.configuration.quantization)
        #expect(loaded.configuration.quantization?.activations == activations)
        #expect(loaded.configuration.quantization?.ignored == ["classifier"])
        #expect(try Self.logits(loaded) == Self.logits(int8))
        try Self.expectRuntime(directory, activations, Self.logits(loaded))
        if activations != .perTensor, PackedMixedLayer.isPreferred {
            // The layers give the same bits; libtorch's product with the last weights may not.
            let alone = try #require(try Inference.logits(loaded, Self.data, batchSize: 1))
            let together = try #require(try Inference.logits(loaded, Self.data, batchSize: 60))
            #expect(zip(alone.values, together.values).allSatisfy { abs($0 - $1) < 1e-4 })
        }
    }

    /// Expects the runtime without libtorch to compute a saved model's logits, or to refuse what it has no kernel for.
    private static func expectRuntime(
        _ directory: URL, _ activations: QuantizationConfiguration.Activations, _ expected: Logits
    ) throws {
        let configuration = try ModelConfiguration(contentsOf: directory)
        let checkpoint = try SafetensorsCheckpoint(directory: directory)
        func encoder() throws -> Encoder {
            try Encoder(checkpoint, path: directory.path, configuration, usesBFloat16: false)
        }
        guard activations != .perTensor else {
            let error = #expect(throws: RuntimeError.self) { _ = try encoder() }
            #expect(error?.description.contains("one scale for a whole batch") == true)
            return
        }
        let batch = try Batch(data, indices: Array(0..<data.count)).input
        let rows = try encoder().logits(
            PackedTexts(
                ids: batch.inputIDs, types: batch.tokenTypeIDs, offsets: batch.offsets.map(Int64.init)))
        let values = (0..<rows.count).map { rows.pointer[$0] }
        let spread = (expected.values.max() ?? 0) - (expected.values.min() ?? 0)
        try #require(values.count == expected.values.count)
        let differences = zip(values, expected.values).map { abs($0 - $1) / spread }.sorted()
        // Where rounding before an int8 layer moves an input across the border of two steps, the result moves by that step; most
        // texts have none such, where both sides have the same steps.
        let areAlike =
            PackedMixedLayer.isPreferred && PackedMixedLayer.activationLevels == Int8Weight.activationLevels
        #expect(
            differences[differences.count / 2] < (areAlike ? 1e-4 : 0.01),
            "\(differences[differences.count / 2])")
        #expect(differences.last! < 0.03, "\(differences)")
    }

    @Test("a layer that int8 ruins stays in floating point, and the drop is within the limit")
    func choosing() throws {
        let model = try Support.model(hidden: 32, dropout: 0)
        // One huge weight in each row of a layer leaves no steps for the others.
        let name = "bert.encoder.layer.0.output.dense.weight"
        let weight = try #require(model.parameters[name])
        try withNoGrad {
            let row = try Tensor.full([weight.shape[0]], 3000)
            var columns: [Tensor] = try (0..<weight.shape[1]).map {
                try weight.selected(dimension: 1, index: $0) * 40
            }
            columns[5] = row
            try weight.copy(from: Tensor.concatenated(columns.map { try $0.unsqueezed(1) }, dimension: 1))
            // That input is always zero.
            let inner = try #require(model.parameters["bert.encoder.layer.0.intermediate.dense.weight"])
            let bias = try #require(model.parameters["bert.encoder.layer.0.intermediate.dense.bias"])
            try inner[5].fill(0)
            try bias[5].fill(0)
        }
        let reference = try Self.logits(model)
        let data = Support.dataset(count: 60)
        // What the model says is what is right.
        let all = try Batch(data, indices: Array(0..<data.count)).input
        let labelled = EncodedDataset(
            inputIDs: all.inputIDs, tokenTypeIDs: [Int32](repeating: 0, count: all.inputIDs.count),
            offsets: all.offsets, labels: reference.predictions)
        let quantizer = try Quantizer(model, method: Self.method(), sample: try Self.sample())
        let plan = QuantizationPlan(
            quantizer: quantizer, dataset: labelled, batchSize: 16, reference: reference,
            onProgress: { _ in }, shouldStop: { false })
        let choice = try plan.smallest(within: 0.02)
        #expect(!choice.layers.contains(String(name.dropLast(".weight".count))))
        #expect(choice.layers.count > 8)
        let after = try plan.logits(choice.layers)
        #expect(1 - Evaluator.agreement(reference, after) <= 0.02)
        #expect(choice.sensitivity.count == quantizer.layers.count)
        let worst = try #require(choice.sensitivity.max { $0.value < $1.value })
        #expect(worst.key == String(name.dropLast(".weight".count)))
    }

    // Measured over five seeds in both precisions with the kernels of four levels: accuracy at least 0.95, agreement 0.983.
    @Test("a student that trains with rounding learns, and is closer to its int8 self than to chance")
    func quantizationAware() throws {
        let instrument = FakeQuantization()
        let model = try AutoModel.make(
            Support.configuration(hidden: 32, dropout: 0), source: nil, seed: Learning.seed,
            instrument: instrument)
        let trainer = try Support.trainer(model, Self.data, precision: Learning.precision) {
            $0.numTrainEpochs = 6
            $0.seed = Learning.seed
        }
        try trainer.train(evaluate: { try Support.validation(model, Self.data) })
        let rounded = try Self.logits(model)
        let labels = Support.dataset(count: 60).labels
        let accuracy = Double(zip(rounded.predictions, labels).count { $0 == $1 }) / 60
        try Learning.expect("rounded training, accuracy", accuracy, above: 0.6)
        let quantizer = try Quantizer(model, method: Self.method(), sample: try Self.sample())
        let int8 = try Self.logits(quantizer.model(Set(quantizer.layers.map(\.name))))
        try Learning.expect(
            "rounded training, agreement with int8", Evaluator.agreement(rounded, int8), above: 0.9)
    }
}
