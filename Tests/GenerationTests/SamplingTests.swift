import Foundation
import JSON
import Testing

@testable import Generation

@Suite("Sampling")
struct SamplingTests {
    private func options(_ fields: JSONValue) -> GenerationOptions {
        var options = GenerationOptions()
        options.temperature = fields["temperature"].doubleValue ?? 1
        options.topK = fields["top_k"].intValue
        options.topP = fields["top_p"].doubleValue ?? 1
        options.minP = fields["min_p"].doubleValue ?? 0
        options.repetitionPenalty = fields["repetition_penalty"].doubleValue ?? 1
        return options
    }

    @Test("the filters leave what transformers' logits processors leave")
    func filters() throws {
        let cases = try #require(Fixture.json("sampling.json").arrayValue)
        #expect(cases.count == 16)
        for test in cases {
            let options = options(test["options"])
            var logits = test["logits"].numbers.map { Float($0) }
            let distribution = logits.withUnsafeMutableBufferPointer {
                TokenSampler(options: options).penalize($0, Set(test["before"].tokens))
                return TokenDistribution(UnsafeBufferPointer($0), options)
            }
            let name = test["options"].serialized()
            #expect(distribution.tokens == test["tokens"].tokens, "\(name)")
            let total = distribution.weights.reduce(0, +)
            for (weight, expected) in zip(distribution.weights, test["probabilities"].numbers) {
                #expect(abs(weight / total - expected) < 2e-6 * max(expected, 1e-2), "\(name)")
            }
        }
    }

    @Test("a temperature near 0 leaves the most probable tokens", arguments: [1e-37, 1e-38, 1e-40, 1e-300])
    func tinyTemperatures(_ temperature: Double) {
        var options = GenerationOptions()
        options.temperature = temperature
        for logits in [[-3, 5, 5, 4.999], [0, -1, 0, -1e30], [-2, -1, -1, -1.0001]] as [[Float]] {
            let distribution = logits.withUnsafeBufferPointer { TokenDistribution($0, options) }
            let top = logits.max()
            #expect(distribution.weights == logits.map { $0 == top ? 1 : 0 })
        }
    }

    @Test("tokens are drawn as often as they are probable")
    func frequencies() throws {
        var options = GenerationOptions()
        (options.temperature, options.topK) = (1, 3)
        let probabilities: [Float] = [0.05, 0.5, 0.3, 0.15]
        let sampler = TokenSampler(options: options)
        var counts = [Int](repeating: 0, count: 4)
        let draws = 20_000
        for draw in 0..<draws {
            var logits = probabilities.map { logf($0) }
            let choice = try logits.withUnsafeMutableBufferPointer {
                try sampler.choose($0, seen: [], prompt: draw / 100, place: draw % 100)
            }
            counts[Int(choice.token)] += 1
        }
        #expect(counts[0] == 0)
        for token in 1..<4 {
            let expected = Double(probabilities[token]) / 0.95
            // Four standard deviations.
            let limit = 4 * (expected * (1 - expected) / Double(draws)).squareRoot()
            #expect(abs(Double(counts[token]) / Double(draws) - expected) < limit)
        }
    }

    @Test("a draw depends on seed, prompt and place, and on nothing else")
    func draws() {
        var seen: Set<Double> = []
        for seed in [0, 1, 42] as [UInt64] {
            for prompt in 0..<20 {
                for place in 0..<20 {
                    let draw = RandomDraw.uniform(seed: seed, prompt: prompt, place: place)
                    #expect((0..<1).contains(draw))
                    #expect(draw == RandomDraw.uniform(seed: seed, prompt: prompt, place: place))
                    seen.insert(draw)
                }
            }
        }
        #expect(seen.count == 1200)
    }

    @Test("greedy decoding takes the first of equals, and log-probabilities are the model's own")
    func greedy() throws {
        var options = GenerationOptions()
        (options.repetitionPenalty, options.returnsLogProbabilities) = (3, true)
        var logits: [Float] = [0, 2, 2, 3]
        let total = log(1 + 2 * exp(2.0) + exp(3.0))
        let choice = try logits.withUnsafeMutableBufferPointer {
            try TokenSampler(options: options).choose($0, seen: [3], prompt: 0, place: 0)
        }
        #expect(choice.token == 1)
        #expect(try abs(Double(#require(choice.logProbability)) - (2 - total)) < 1e-6)
    }

    @Test("logits that are not finite are an error", arguments: [Float.nan, .infinity])
    func notFinite(_ value: Float) {
        expectRefusal("prompt 5", "not finite after 2 tokens") {
            var logits = [0, value, 1]
            _ = try logits.withUnsafeMutableBufferPointer {
                try TokenSampler(options: GenerationOptions()).choose($0, seen: [], prompt: 4, place: 2)
            }
        }
    }
}
