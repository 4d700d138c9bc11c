import Files
import Foundation
import Safetensors
import TestSupport
import Testing
import Torch

@testable import Architectures
@testable import Transformers

/// Tiny language models of every family of decoders, which `scripts/fixtures/decoders.py` writes with what transformers computes.
@Suite("Every decoder agrees with transformers")
struct DecoderGoldenTests {
    static let names = [
        "gemma3", "gemma3-older", "gpt2", "gpt2-scales", "llama", "llama-biases", "llama-linear",
        "llama-yarn", "llama3",
        "llama3-older", "mistral", "qwen2", "qwen2-windows", "qwen3", "qwen3-biases",
    ]

    static func directory(_ name: String) -> URL { fixture("decoders").appending(path: name) }

    /// What transformers computed for a fixture: three texts, one after another.
    struct Numbers {
        let checkpoint: SafetensorsCheckpoint
        let input: PackedInput

        init(_ name: String) throws {
            checkpoint = try SafetensorsCheckpoint(
                file: directory(name).appending(path: "golden.safetensors"))
            input = PackedInput(
                inputIDs: try Self.tensor(checkpoint, "input_ids").array(of: Int64.self).map(Int32.init),
                offsets: try Self.tensor(checkpoint, "offsets").array(of: Int64.self).map(Int.init))
        }

        subscript(name: String) -> Tensor { get throws { try Self.tensor(checkpoint, name) } }

        private static func tensor(_ checkpoint: SafetensorsCheckpoint, _ name: String) throws -> Tensor {
            let info = try #require(checkpoint.info(name), "no \(name)")
            return try Tensor(
                bytes: checkpoint.bytes(of: name), shape: info.shape,
                dtype: info.dtype == .int64 ? .int64 : .float32)
        }

        /// The tokens that have a next one in their text, and these.
        var next: (rows: [Int], targets: [Int64]) {
            var rows: [Int] = []
            for text in 0..<input.count { rows += input.offsets[text]..<input.offsets[text + 1] - 1 }
            return (rows, rows.map { Int64(input.inputIDs[$0 + 1]) })
        }
    }

    @Test("a fixture for every family, and none left out")
    func fixtures() throws {
        let there = try FileManager.default.contentsOfDirectory(atPath: fixture("decoders").path)
        #expect(there.sorted() == Self.names)
        let families = try Self.names.map { try ModelConfiguration(contentsOf: Self.directory($0)).modelType }
        #expect(Set(families) == Set(ModelFamily.all.filter { $0.decoder != nil }.map(\.modelType)))
    }

    @Test("logits, loss and hidden states", arguments: names)
    func forward(_ name: String) throws {
        let golden = try Numbers(name)
        let (model, report) = try AutoModel.load(from: Self.directory(name))
        #expect(report == LoadReport(newlyInitialized: [], unused: []))
        let layers = model.configuration.numHiddenLayers
        let output = try model(
            golden.input,
            ForwardOptions(
                features: FeatureSelection(hiddenStates: Set(0...layers), projections: Set(0..<layers))))
        try expectClose(output.logits, golden["logits"], "logits")
        for index in 0...layers {
            try expectClose(
                #require(output.hiddenStates[index]), golden["hidden_states.\(index)"],
                "hidden state \(index)")
        }
        #expect(output.projections.count == layers)
        #expect(output.projections.values.allSatisfy { $0.query.shape == $0.key.shape })
        // Only the tokens that are asked for have logits.
        var chosen = golden.input
        let (rows, targets) = golden.next
        chosen.rows = rows
        let logits = try model(chosen).logits
        try expectClose(logits, golden["logits"].indexSelect(dimension: 0, Tensor(rows)), "chosen logits")
        try expectClose(logits.crossEntropy(Tensor(targets)), golden["loss"], "loss")
    }

    @Test("every parameter's gradient", arguments: names)
    func gradients(_ name: String) throws {
        let golden = try Numbers(name)
        let model = try AutoModel.load(from: Self.directory(name)).model
        var input = golden.input
        let (rows, targets) = golden.next
        input.rows = rows
        try model(input).logits.crossEntropy(Tensor(targets)).backward()
        let expected = golden.checkpoint.names.filter { $0.hasPrefix("grad.") }.map {
            String($0.dropFirst(5))
        }
        #expect(model.parameters.names.sorted() == expected.sorted())
        let largest = try expected.map { try golden["grad.\($0)"].absolute().max().item() }.max() ?? 0
        for entry in model.parameters.entries {
            let gradient = try #require(try entry.tensor.gradient, "\(entry.name) has no gradient")
            let wanted = try golden["grad.\(entry.name)"]
            // A key's bias adds the same to all scores of a row, which softmax takes away, unless heads are rotated or normalized.
            if try wanted.absolute().max().item() < 1e-5 * largest {
                #expect(try gradient.absolute().max().item() < 1e-5 * largest, "\(entry.name)")
            } else {
                try expectClose(gradient, wanted, entry.name)
            }
        }
    }

    @Test("a text's logits are the same bits alone and beside others", arguments: names)
    func alone(_ name: String) throws {
        let golden = try Numbers(name)
        let model = try AutoModel.load(from: Self.directory(name)).model
        let all = try model(golden.input).logits
        for text in 0..<golden.input.count {
            let range = golden.input.offsets[text]..<golden.input.offsets[text + 1]
            let own = try model(
                PackedInput(inputIDs: Array(golden.input.inputIDs[range]), offsets: [0, range.count])
            ).logits
            try expectClose(
                own, all.narrowed(dimension: 0, start: range.lowerBound, length: range.count), "text \(text)")
        }
    }

    @Test(
        "a model that is saved again has the same tensors, byte for byte, and is the same model",
        arguments: names)
    func roundTrip(_ name: String) throws {
        try expectSameWhenSaved(Self.directory(name))
    }

    @Test("a student of fewer layers starts from its teacher's", arguments: names)
    func teacherLayers(_ name: String) throws {
        let teacher = try AutoModel.load(from: Self.directory(name)).model
        var configuration = teacher.configuration
        configuration.numHiddenLayers = 1
        let student = try AutoModel.make(
            configuration, source: TeacherLayerSource(teacher: teacher, layers: [1]), seed: 1)
        let prefix = configuration.family.layout.layers(1)
        for entry in student.parameters.entries {
            let theirs = entry.name.replacing(configuration.family.layout.layers(0) + ".", with: prefix + ".")
            #expect(try entry.tensor.bytes() == #require(teacher.parameters[theirs]).bytes(), "\(entry.name)")
        }
        let written = student.configuration.json()
        if let types = written["layer_types"]?.arrayValue { #expect(types.count == 1) }
    }

    @Test(
        "dropout in training reaches every part, and its draws are those of the text",
        arguments: ["gpt2", "llama"])
    func dropout(_ name: String) throws {
        let golden = try Numbers(name)
        let settings: [(inout ModelConfiguration) -> Void] =
            name == "gpt2"
            ? [{ $0.hiddenDropoutProb = 0.3 }, { $0.attentionProbsDropoutProb = 0.3 }]
            : [{ $0.attentionProbsDropoutProb = 0.3 }]
        for set in settings {
            var configuration = try ModelConfiguration(contentsOf: Self.directory(name))
            (configuration.hiddenDropoutProb, configuration.attentionProbsDropoutProb) = (0, 0)
            set(&configuration)
            let model = try AutoModel.make(
                configuration,
                source: CheckpointSource(
                    directory: Self.directory(name), layout: configuration.family.layout),
                seed: 1)
            let quiet = try model(golden.input).logits
            let noisy = try model(golden.input, ForwardOptions(dropout: DropoutState(seed: 1))).logits
            #expect(try quiet.array(of: Float.self) != noisy.array(of: Float.self))
            // In another process, behind a first text that this one does not have.
            let state = DropoutState(seed: 1)
            let first = golden.input.offsets[1]
            state.before = .init(lengths: [first])
            let rest = PackedInput(
                inputIDs: Array(golden.input.inputIDs[first...]),
                offsets: golden.input.offsets.dropFirst().map { $0 - first })
            let own = try model(rest, ForwardOptions(dropout: state)).logits
            // The embeddings' dropout of gpt2 draws for all tokens alike.
            try expectClose(
                own, noisy.narrowed(dimension: 0, start: first, length: golden.input.inputIDs.count - first),
                name)
        }
    }
}
