import JSON
import RegularExpressions
import Testing
import Tokenizers
import Torch
import Transformers

@testable import Generation

@Suite("Greedy decoding gives transformers' tokens")
struct GreedyTests {
    static let names = [
        "gemma3", "gemma3-older", "gpt2", "gpt2-scales", "llama", "llama-biases", "llama-linear",
        "llama-yarn", "llama3", "llama3-older", "mistral", "qwen2", "qwen2-windows", "qwen3", "qwen3-biases",
    ]

    @Test("for every family, in one batch", arguments: names)
    func families(_ name: String) throws {
        let cases = try #require(Fixture.json("greedy.json")[name].arrayValue)
        #expect(cases.count == 3)
        let model = try AutoModel.load(from: Fixture.decoder(name)).model
        let tokenizer = try Tokenizer.load(directory: Fixture.textModel)
        for (penalty, key) in [(1.0, "tokens"), (1.7, "penalized")] {
            var options = GenerationOptions()
            (options.maxNewTokens, options.repetitionPenalty) = (16, penalty)
            let run = GenerationRun(
                model: CachedTransformer(model: model, precision: .float32), tokenizer: tokenizer,
                options: options, batchSize: 2, batchTokens: 14)
            let texts = try run(cases.map { $0["prompt"].tokens }) { _ in }
            for (text, expected) in zip(texts, cases) {
                #expect(text.tokenIDs == expected[key].tokens, "\(name), \(key)")
                #expect(text.finishReason == .length)
            }
        }
    }

    @Test("texts of a model with a tokenizer, and where they stop")
    func texts() throws {
        let cases = try #require(Fixture.json("text.json").arrayValue)
        let generator = try TextGenerator.load(from: Fixture.textModel)
        #expect(generator.defaults.maxNewTokens == 48)
        #expect(generator.defaults.stopTokenIDs == [1])
        for text in cases {
            let prompt = text["prompt"].text
            #expect(try generator.tokenizer.encode(prompt).ids == text["ids"].tokens)
            var (pieces, options) = ("", generator.defaults)
            let made = try generator.generate([prompt]) { event in
                if case .piece(_, let text) = event { pieces += text }
            }
            #expect(made[0].tokenIDs == text["tokens"].tokens)
            #expect(made[0].text == text["text"].text)
            #expect(pieces == made[0].text)
            options.stopStrings = ["never", text["stop"].text]
            let stopped = try generator.generate([prompt], options)[0]
            #expect(stopped.tokenIDs == text["stopped"].tokens)
            #expect(stopped.finishReason == .stop)
            let end = try #require(text["text"].text.range(of: text["stop"].text))
            #expect(stopped.text == text["text"].text[..<end.lowerBound])
        }
    }
}
