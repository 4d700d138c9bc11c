import Foundation
import TestSupport
import Testing

@testable import Generation

@Suite("Options of generation")
struct OptionsTests {
    private func read(_ generation: String?, _ configuration: String = "{}") throws -> GenerationOptions {
        var options = GenerationOptions()
        try withTemporaryDirectory { directory in
            if let generation {
                try Data(generation.utf8).write(to: directory.appending(path: "generation_config.json"))
            }
            try Data(configuration.utf8).write(to: directory.appending(path: "config.json"))
            options = try GenerationOptions(directory: directory)
        }
        return options
    }

    @Test("a file's fields, as transformers takes them")
    func fields() throws {
        #expect(try read(nil) == GenerationOptions())
        #expect(try read("{}", #"{"eos_token_id": 7}"#).stopTokenIDs == [7])
        // Without do_sample the others do not count.
        let greedy = try read(
            #"{"temperature": 0.6, "top_p": 0.9, "eos_token_id": [1, 106], "max_new_tokens": 9}"#,
            #"{"eos_token_id": 7}"#)
        #expect(greedy.temperature == 0 && greedy.topK == nil && greedy.topP == 1)
        #expect(greedy.stopTokenIDs == [1, 106] && greedy.maxNewTokens == 9)
        let plain = try read(#"{"do_sample": true}"#)
        #expect(plain.temperature == 1 && plain.topK == 50)
        let sampled = try read(
            #"{"do_sample": true, "temperature": 0.6, "top_k": 0, "top_p": 0.9, "min_p": 0.1, "repetition_penalty": 1.1, "#
                + #""stop_strings": ["a", "b"], "num_beams": 1, "typical_p": 1.0, "transformers_version": "5", "top_h": null}"#
        )
        #expect(sampled.temperature == 0.6 && sampled.topK == nil && sampled.topP == 0.9)
        #expect(sampled.minP == 0.1 && sampled.repetitionPenalty == 1.1)
        #expect(sampled.stopStrings == ["a", "b"])
    }

    @Test("what is wrong or not supported is named")
    func refusals() {
        for (text, parts) in [
            (#"{"num_beams": 4}"#, ["generation_config.json", "\"num_beams\" (4)", "not supported"]),
            (#"{"no_repeat_ngram_size": 3}"#, ["no_repeat_ngram_size"]),
            (#"{"suppress_tokens": [3]}"#, ["suppress_tokens"]),
            (#"{"do_sample": 1}"#, ["do_sample", "true or false"]),
            (#"{"do_sample": true, "temperature": 0}"#, ["temperature", "above 0"]),
            (#"{"do_sample": true, "top_p": 1.5}"#, ["top_p", "at most 1"]),
            (#"{"do_sample": true, "top_k": -1}"#, ["top_k", "at least 0"]),
            (#"{"do_sample": true, "min_p": "a"}"#, ["min_p", "from 0 to 1"]),
            (#"{"eos_token_id": "a"}"#, ["eos_token_id", "token's id"]),
            (#"{"stop_strings": [""]}"#, ["stop_strings", "none empty"]),
            (#"{"max_new_tokens": 0}"#, ["max_new_tokens", "at least 1"]), ("[]", ["JSON object"]),
        ] {
            for part in parts { expectRefusal(part) { _ = try read(text) } }
        }
    }

    @Test("options of random choices are refused where the most probable token is taken each time")
    func withoutEffect() throws {
        var changes = GenerationOptions.Changes()
        changes.maxNewTokens = 4
        #expect(GenerationOptions().problem(of: changes) == nil)
        changes.topP = 0.9
        let one = try #require(GenerationOptions().problem(of: changes))
        #expect(
            one.hasPrefix("--top-p: the temperature is 0") && one.contains("give --temperature above 0 too"))
        (changes.topK, changes.minP, changes.seed) = (5, 0.1, 7)
        let all = try #require(GenerationOptions().problem(of: changes))
        #expect(all.hasPrefix("--top-k, --top-p, --min-p and --seed: "), "\(all)")
        // A model that is sampled from takes them.
        var sampled = GenerationOptions()
        sampled.temperature = 0.7
        #expect(sampled.problem(of: changes) == nil)
        changes.temperature = 0
        sampled.apply(changes)
        #expect(sampled.problem(of: changes) != nil)
    }

    @Test("options out of range are named")
    func ranges() throws {
        let cases: [(String, (inout GenerationOptions) -> Void)] = [
            ("maxNewTokens is 0", { $0.maxNewTokens = 0 }),
            ("temperature is -0.5", { $0.temperature = -0.5 }),
            ("temperature is nan", { $0.temperature = .nan }), ("topK is 0", { $0.topK = 0 }),
            ("topP is 0.0", { $0.topP = 0 }), ("topP is 1.1", { $0.topP = 1.1 }),
            ("minP is 2.0", { $0.minP = 2 }),
            ("repetitionPenalty is 0.0", { $0.repetitionPenalty = 0 }),
            ("a stop string is empty", { $0.stopStrings = ["a", ""] }),
            ("a stop token is 64; it must be from 0 to 63", { $0.stopTokenIDs = [64] }),
        ]
        for (message, change) in cases {
            var options = GenerationOptions()
            try options.validate(vocabulary: 64)
            change(&options)
            expectRefusal(message, "it must be") { try options.validate(vocabulary: 64) }
        }
    }
}
