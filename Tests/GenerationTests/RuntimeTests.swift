import Architectures
import Decoding
import Foundation
import JSON
import Safetensors
import Testing
import Torch
import Transformers

@testable import DistillRuntime
@testable import Generation

@Suite("The runtime without libtorch writes the texts that libtorch's side writes")
struct RuntimeTests {
    @Test("greedily and by draws, in float32 and bfloat16", arguments: [Precision.float32, .bfloat16])
    func texts(_ precision: Precision) throws {
        let generator = try TextGenerator.load(from: Fixture.textModel, precision: precision)
        let model = try LanguageModel(
            Fixture.textModel.path, .init(weights: precision == .bfloat16 ? .bfloat16 : .stored, batchSize: 2)
        )
        #expect(model.defaults == generator.defaults)
        let prompts = try #require(Fixture.json("text.json").arrayValue).map { $0["prompt"].text }
        for temperature in [0, 0.8] {
            var options = generator.defaults
            (options.temperature, options.minP, options.maxNewTokens) = (temperature, 0.01, 24)
            options.returnsLogProbabilities = true
            let expected = try generator.generate(prompts, options)
            let made = try model.generate(prompts.map { .text($0) }, options)
            // Where libtorch computes, rounding differs, and with it draws at a tie.
            guard precision == .float32 || hasExactBatches else { continue }
            #expect(made.map(\.tokenIDs) == expected.map(\.tokenIDs))
            #expect(made.map(\.text) == expected.map(\.text))
            for (text, other) in zip(made, expected) {
                let pairs = zip(text.logProbabilities ?? [], other.logProbabilities ?? [])
                #expect(pairs.allSatisfy { abs($0 - $1) <= 1e-4 * max(1, abs($1)) })
            }
        }
    }

    @Test(
        "logits of every family of decoders",
        arguments: ["llama3", "mistral", "qwen2", "qwen3", "gemma3", "gpt2"])
    func logits(_ name: String) throws {
        let transformer = CachedTransformer(
            model: try AutoModel.load(from: Fixture.decoder(name)).model, precision: .float32)
        let directory = Fixture.decoder(name)
        let decoder = try DistillRuntime.Decoder(
            .safetensors(SafetensorsCheckpoint(directory: directory)), path: directory.path,
            ModelConfiguration(contentsOf: directory))
        let ids: [Int32] = [5, 9, 2, 17, 3, 11, 4]
        let logits = try decoder.logits(ids, offsets: [0, ids.count], caches: [decoder.makeCache()])
        let expected = try transformer.logits(
            ids, offsets: [0, ids.count], caches: [transformer.makeCache()])
        let size = expected.map { abs($0) }.max() ?? 1
        #expect(logits.count == expected.count)
        #expect(zip(logits, expected).allSatisfy { abs($0 - $1) <= 1e-4 * size })
    }
}
