import Foundation
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Generation

@Suite("Text generator", .serialized)
struct TextGeneratorTests {
    static let prompts = [
        "Once upon a time", "the", " 42 + 1 =", "é is a letter", "The end.\n", "the an in er", "a", "Dt? ",
        "日本", "the the the the the the the the",
    ]

    private func generator() throws -> TextGenerator { try .load(from: Fixture.textModel) }

    private func sampled(_ seed: UInt64 = 1) -> GenerationOptions {
        var options = GenerationOptions()
        (options.temperature, options.topK, options.topP, options.seed) = (0.9, 40, 0.95, seed)
        (options.repetitionPenalty, options.minP) = (1.1, 0.01)
        (options.maxNewTokens, options.stopTokenIDs, options.stopStrings) = (24, [1, 70], ["dd", "t?"])
        options.returnsLogProbabilities = true
        return options
    }

    // That the kernels' bits do not depend on the number of threads, `DecoderKernelTests` holds.
    @Test(
        "texts and log-probabilities are the same bits in batches of every size",
        .enabled(if: hasExactBatches, "libtorch's products depend on the batch"),
        arguments: [Precision.float32, .bfloat16])
    func batches(_ precision: Precision) throws {
        var generator = try generator()
        generator.precision = precision
        var results: [[GeneratedText]] = []
        for (size, tokens) in [(1, 2048), (2, 2048), (3, 10), (8, 2048), (10, 2048), (64, 20)] {
            (generator.batchSize, generator.batchTokens) = (size, tokens)
            results.append(try generator.generate(Self.prompts, sampled()))
        }
        #expect(results.allSatisfy { $0 == results[0] })
        #expect(Set(results[0].map(\.finishReason)) == [.stop, .length])
        #expect(results[0].allSatisfy { $0.logProbabilities?.count == $0.tokenIDs.count })
    }

    @Test("another seed gives other texts, the same seed the same ones")
    func seeds() throws {
        let generator = try generator()
        let texts = try [1, 1, 2].map { try generator.generate(Self.prompts, sampled($0)) }
        #expect(texts[0] == texts[1])
        #expect(texts[0] != texts[2])
    }

    @Test("pieces come in order, and together they are the texts")
    func events() throws {
        var generator = try generator()
        generator.batchSize = 3
        var pieces = [String](repeating: "", count: Self.prompts.count)
        var finished: [Int: GeneratedText] = [:]
        var firsts: [Int] = []
        let texts = try generator.generate(Self.prompts, sampled()) { event in
            switch event {
            case .piece(let prompt, let text):
                #expect(finished[prompt] == nil && !text.isEmpty)
                pieces[prompt] += text
                if !firsts.contains(prompt) { firsts.append(prompt) }
            case .finished(let prompt, let text):
                #expect(finished[prompt] == nil)
                finished[prompt] = text
            }
        }
        #expect(pieces == texts.map(\.text))
        #expect(Self.prompts.indices.allSatisfy { finished[$0] == texts[$0] })
        for (text, prompt) in zip(texts, Self.prompts) {
            #expect(!text.text.contains("dd") && !text.text.contains("t?"), "\(prompt)")
            // A stop token is the last of the tokens.
            #expect(text.tokenIDs.dropLast().allSatisfy { ![1, 70].contains($0) })
            #expect(text.finishReason == .stop || text.tokenIDs.count == 24)
        }
    }

    @Test("log-probabilities are those of the whole text")
    func logProbabilities() throws {
        let generator = try generator()
        let prompt = try generator.tokenizer.encode(Self.prompts[0]).ids
        var options = sampled()
        options.stopStrings = []
        let text = try generator.generate(tokens: [prompt], options)[0]
        let all = prompt + text.tokenIDs
        let logits = try withNoGrad {
            try generator.model(PackedInput(inputIDs: all, offsets: [0, all.count])).logits.logSoftmax()
        }
        let (values, width) = (try logits.array(of: Float.self), try logits.size(1))
        for (place, token) in text.tokenIDs.enumerated() {
            let expected = values[(prompt.count + place - 1) * width + Int(token)]
            #expect(try abs(#require(text.logProbabilities)[place] - expected) < 1e-4)
        }
    }

    @Test("a text ends with the model's positions")
    func positions() throws {
        let generator = try generator()
        var options = GenerationOptions()
        options.maxNewTokens = 1000
        let prompt = [Int32](repeating: 5, count: 197)
        let texts = try generator.generate(tokens: [prompt, prompt + [6, 7, 8]], options)
        // The last token is chosen after the last position.
        #expect(texts.map(\.tokenIDs.count) == [4, 1])
        #expect(texts.allSatisfy { $0.finishReason == .length })
        expectRefusal("prompt 2 has 201 tokens", "200 positions", "shorten it") {
            _ = try generator.generate(tokens: [[4], [Int32](repeating: 5, count: 201)], options)
        }
    }

    @Test("what cannot be generated is refused in one line")
    func refusals() throws {
        var generator = try generator()
        expectRefusal("prompt 2 has no token") { _ = try generator.generate(["a", ""]) }
        expectRefusal("prompt 1 has token 9999", "its own tokenizer") {
            _ = try generator.generate(tokens: [[9999]])
        }
        var options = GenerationOptions()
        options.topP = 0
        expectRefusal("topP is 0.0") { _ = try generator.generate(["a"], options) }
        #expect(try generator.generate([]).isEmpty)
        generator.batchSize = 0
        expectRefusal("batchSize is 0") { _ = try generator.generate(["a"]) }
        let small = try AutoModel.load(from: Fixture.decoder("llama")).model
        expectRefusal("the tokenizer has", "the model 61") {
            _ = try TextGenerator(model: small, tokenizer: generator.tokenizer)
        }
    }

    @Test("what the receiver of events throws ends the run")
    func interruption() throws {
        struct Enough: Error {}
        var count = 0
        let generator = try generator()
        #expect(throws: Enough.self) {
            _ = try generator.generate(Self.prompts) { _ in
                count += 1
                if count == 3 { throw Enough() }
            }
        }
        #expect(count == 3)
    }
}
